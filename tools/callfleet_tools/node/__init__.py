"""A real Kubernetes of a node or more on this machine: brought up, and taken down without a trace.

Each node lives in namespaces of its own (processes, mounts, network) whose first process is ours:
when that ends, however it ends, the kernel ends and removes all that was in them.
"""

from callfleet_tools.node.bringing import Cluster, Wish, bring_up, cluster, find_up, take_down
from callfleet_tools.node.errors import FolderBusyError, NodeError

__all__ = [
    "Cluster",
    "FolderBusyError",
    "NodeError",
    "Wish",
    "bring_up",
    "cluster",
    "find_up",
    "take_down",
]
