"""The one error of this package: a cluster that cannot be had, with the cure in its sentence."""

from callfleet_tools.errors import ToolError


class NodeError(ToolError):
    """A cluster cannot be brought up or taken down. The message says why and what to do."""


class FolderBusyError(NodeError):
    """The folder has a cluster already: another one is to be taken, or that one ended."""
