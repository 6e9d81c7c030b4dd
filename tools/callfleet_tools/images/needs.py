"""What making images needs of the machine: root, and a few Debian packages."""

from callfleet_tools.debian import Needs, Package

STORE = Needs(
    "making images here",
    "chroot and overlay",
    (Package("buildah", ("buildah",)),),
    "; or build the Containerfile with docker or podman, see docs/images.md",
)
BASE = (Package("debootstrap", ("debootstrap",)), Package("tar", ("tar",)))
"""For a base of our own."""
