"""The one error of this package: a program that cannot be had, with the cure in its sentence."""


class ToolError(RuntimeError):
    """A program cannot be found or built. The message says why and what to do."""
