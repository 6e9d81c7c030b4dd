"""The commands that make a node out of empty namespaces, as functions of its layout."""

import json
from pathlib import Path

from callfleet_tools.node.files import TUNABLES
from callfleet_tools.node.layout import INTERNET, Layout, Place

Command = list[str]

_NAMES = """file=$(readlink -m /etc/resolv.conf) && mkdir -p "${file%/*}"
[ -e "$file" ] || : >"$file"
mount --bind "$1" "$file"
"""

BRIDGE = "link0"
"""In the first node: what joins the machine, this node and the others."""
_FORWARD = """cd /proc/sys/net && echo 1 >ipv4/ip_forward
# What goes from one node to another over the bridge is not for this node's rules.
if [ -e bridge/bridge-nf-call-iptables ]; then echo 0 >bridge/bridge-nf-call-iptables; fi
"""


def mounts(place: Place) -> list[Command]:
    """Hide what programs would write to the machine, or find there of others."""
    tunables = place.folder / "tunables"
    return [
        ["mount", "--make-rshared", "/"],
        ["mount", "-t", "tmpfs", "-o", "mode=755", "callfleet", "/run"],
        ["mount", "-t", "tmpfs", "-o", "mode=755", "callfleet", "/var/lib"],
        ["mount", "--bind", str(place.log), "/var/log"],
        ["sh", "-c", _NAMES, "sh", str(place.folder / "resolv.conf")],
        *(["mount", "--bind", str(tunables / name), f"/proc/sys/{name}"] for name in TUNABLES),
    ]


def inner_network(place: Place) -> list[Command]:
    """Say what to run inside of a node once it has its end of the link, called ``uplink``."""
    cluster = place.cluster
    own = f"{place.address}/24"
    others = [
        ["ip", "route", "add", other.pods, "via", other.address]
        for other in cluster.places
        if other != place
    ]
    if place.number > 1:
        device = [["ip", "address", "add", own, "dev", "uplink"]]
    else:
        device = [
            ["ip", "link", "add", BRIDGE, "type", "bridge"],
            ["ip", "link", "set", "uplink", "master", BRIDGE],
            ["ip", "address", "add", own, "dev", BRIDGE],
            ["ip", "link", "set", BRIDGE, "up"],
        ]
    return [
        ["ip", "link", "set", "lo", "up"],
        ["ip", "link", "set", "uplink", "up"],
        *device,
        *_way_out(place),
        *others,
        ["sh", "-c", _FORWARD],
        *_unknown_services(place),
    ]


def _unknown_services(place: Place) -> list[Command]:
    """Drop what goes to a service before there is a rule that leads it to a pod.

    Let through, its connection would be remembered as one that leads nowhere, and whoever asks
    again on it would never be answered. This is the last table that a packet meets: what lets it
    pass before, as policies may, does not count.
    """
    drop = ["-d", place.cluster.services, "-j", "DROP"]
    return [["iptables", "-t", "mangle", "-A", "POSTROUTING", *drop]]


def _way_out(place: Place) -> list[Command]:
    """Lead all else to the machine; with the internet, through the first node and its speaker."""
    route = ["ip", "route", "add", "default", "via"]
    if not place.cluster.internet:
        return [[*route, place.cluster.host_address]]
    if place.number > 1:
        return [[*route, place.cluster.places[0].address]]
    return [
        ["iptables", "-t", "nat", "-A", "POSTROUTING", "-o", INTERNET, "-j", "MASQUERADE"],
    ]


def plan(place: Place, *, owned: bool) -> str:
    """Say to a node's keeper what to do: see there."""
    content = {"commands": mounts(place), "owned": owned, "ready": str(place.furnished)}
    return json.dumps(content, indent=2)


def claim(interface: str) -> Command:
    """Make the machine's end of a link: it fails where the name is taken."""
    return ["ip", "link", "add", interface, "type", "veth", "peer", "name", f"{interface}in"]


def attach_machine(layout: Layout, first_pid: int) -> list[Command]:
    """Lead the link from the machine into the first node, and addresses of the cluster to it.

    Pods are reached by way of their own node: it sees both directions of what they say, and to see
    one alone is to take it for forged.
    """
    name = layout.interface
    routes = [(layout.services, layout.places[0].address)]
    routes += [(place.pods, place.address) for place in layout.places]
    return [
        ["ip", "link", "set", f"{name}in", "netns", str(first_pid), "name", "uplink"],
        ["ip", "address", "add", f"{layout.host_address}/24", "dev", name],
        ["ip", "link", "set", name, "up"],
        *(["ip", "route", "add", addresses, "via", node] for addresses, node in routes),
    ]


def attach_node(place: Place, first_pid: int, pid: int) -> list[Command]:
    """Lead a link from the first node into another one: all run on the machine."""
    here, there = (f"cf{place.cluster.number}n{place.number}{end}" for end in "ab")
    enter = inside_network(first_pid)
    return [
        ["ip", "link", "add", here, "type", "veth", "peer", "name", there],
        ["ip", "link", "set", here, "netns", str(first_pid), "name", place.name],
        ["ip", "link", "set", there, "netns", str(pid), "name", "uplink"],
        [*enter, "ip", "link", "set", place.name, "master", BRIDGE],
        [*enter, "ip", "link", "set", place.name, "up"],
    ]


def unshared(place: Place, python: str, keeper: Path, plan_file: Path) -> Command:
    """Start the first process of a node in namespaces of its own."""
    namespaces = ["--pid", "--mount", "--net", "--uts", "--ipc", "--mount-proc"]
    start = ["unshare", *namespaces, "--propagation", "slave", "--fork", "--kill-child"]
    hostname = f'hostname {place.name}; exec "$@"'
    return [*start, "sh", "-c", hostname, "sh", python, str(keeper), str(plan_file)]


def inside(pid: int) -> Command:
    """Run what follows inside of the node whose first process is ``pid``."""
    return ["nsenter", "--target", str(pid), "--pid", "--mount", "--net", "--uts", "--ipc", "--"]


def inside_but_for_network(pid: int) -> Command:
    """Run what follows inside of a node, to end with it, and yet in the machine's network."""
    return ["nsenter", "--target", str(pid), "--pid", "--mount", "--"]


def inside_network(pid: int) -> Command:
    """Run what follows in the network of a node, and else where we are."""
    return ["nsenter", "--target", str(pid), "--net", "--"]
