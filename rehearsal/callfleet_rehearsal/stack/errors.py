"""What goes wrong with the local stack, as sentences with their cure."""


class StackError(RuntimeError):
    """A part of the stack did not start, or ended when it should not have."""
