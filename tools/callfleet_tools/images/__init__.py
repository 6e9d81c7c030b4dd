"""Make the images of callfleet on this machine, with buildah and without a registry.

    python -m callfleet_tools images --out dist/images

The recipe is the Containerfile at the root of the tree, which docker and podman read as well; what
is here gives it a base, a store and archives that a cluster's node can import.
"""
