"""What a node needs of the machine: root, and a few Debian packages."""

from pathlib import Path

from callfleet_tools import debian
from callfleet_tools.debian import Package
from callfleet_tools.errors import ToolError
from callfleet_tools.node.errors import NodeError

PLUGINS = Path("/usr/lib/cni")
NODE = debian.Needs(
    "a node",
    "namespaces and control groups",
    (
        Package("containernetworking-plugins", (f"{PLUGINS}/host-local", f"{PLUGINS}/ptp")),
        Package("iproute2", ("ip",)),
        Package("iptables", ("iptables", "iptables-save", "iptables-restore")),
        Package("mount", ("mount",)),
        Package("runc", ("runc",)),
        Package("util-linux", ("nsenter", "unshare")),
    ),
)
SPEAKER = Package("slirp4netns", ("slirp4netns",))
"""Speaks for a node that is to reach the internet: nothing else of the machine is needed then."""
SETS = Package("ipset", ("ipset",))
"""Holds the addresses that NetworkPolicies are about, where they are enforced."""


def extras(*, internet: bool, policies: bool) -> list[Package]:
    """Name what a cluster needs besides, by what it is to have."""
    return [*([SPEAKER] if internet else []), *([SETS] if policies else [])]


def obstacle(*more: Package) -> str | None:
    """Say what keeps a node from running here, with its cure; None where nothing does.

    Packages that are missing are an obstacle too: see :func:`provide`.
    """
    return NODE.more(*more).obstacle()


def provide(*more: Package) -> list[str]:
    """Install the packages that are missing, and name them.

    Raises:
        NodeError: we are not root, or they cannot be installed.

    """
    try:
        return NODE.more(*more).provide()
    except ToolError as error:
        raise NodeError(str(error)) from error
