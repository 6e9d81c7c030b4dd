"""Where a call's CPU time goes: by thread, by part of the tree, by function."""
