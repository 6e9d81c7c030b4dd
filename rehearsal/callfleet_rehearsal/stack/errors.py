"""What goes wrong with the local stack, as sentences with their cure."""


class StackError(RuntimeError):
    """A part of the stack did not start, or ended when it should not have."""


LOG_FOLLOWS = "; the end of its log"


def in_short(error: Exception) -> str:
    """Say what went wrong in one line, without the log that a complaint ends with."""
    return str(error).partition(LOG_FOLLOWS)[0].partition("\n")[0]
