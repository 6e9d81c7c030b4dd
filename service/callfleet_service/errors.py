"""Why a program cannot start."""


class CannotStartError(Exception):
    """Nothing was left running; the message says what is wrong and what to do."""
