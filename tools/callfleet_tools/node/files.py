"""The files that a cluster's programs read, as functions of its layout. Nothing is written here."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from callfleet_tools.node.layout import DOMAIN, PAUSE_IMAGE, READY_PORT, RESOLVER, Layout, Place

USERS = {
    "admin": ("admin", "system:masters"),
    "dns": ("callfleet:dns", "system:masters"),
    "controllers": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "proxy": ("system:kube-proxy", ""),
    "policies": ("callfleet:policies", "system:masters"),
}
"""Who speaks with the API server, by the name of its kubeconfig: its user and its group."""
_OTHER_NAMES = f""". {{
    errors
    forward . {RESOLVER}
    cache 30
}}
"""
TUNABLES = {
    "kernel/keys/root_maxbytes": "25000000",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
}
"""What a kubelet wants of the kernel. It is shown that it is so, and the machine stays as it is."""


def users(layout: Layout) -> dict[str, tuple[str, str]]:
    """Name everybody who has a token: those of the control plane, and a kubelet for each node."""
    kubelets = {each.name: (f"system:node:{each.name}", "system:nodes") for each in layout.places}
    return {**USERS, **kubelets}


def control_files(layout: Layout, tokens: Mapping[str, str]) -> dict[Path, str]:
    """Give the files of the control plane; ``tokens`` has one for each of the users."""
    lines = [
        f'{tokens[name]},{user},{user},"{group}"\n' for name, (user, group) in users(layout).items()
    ]
    kubeconfigs = {
        _kubeconfig_path(layout, name): _json(_kubeconfig(layout, tokens[name])) for name in tokens
    }
    return {
        layout.control / "tokens.csv": "".join(lines),
        layout.control / "Corefile": _corefile(layout),
        **kubeconfigs,
    }


def node_files(place: Place) -> dict[Path, str]:
    """Give the files of one node."""
    folder = place.folder
    tunables = {folder / "tunables" / name: f"{value}\n" for name, value in TUNABLES.items()}
    return {
        folder / "containerd.toml": _containerd(place),
        folder / "containerd-alone.toml": _containerd_alone(place),
        folder / "cni" / "10-callfleet.conflist": _json(_cni(place)),
        folder / "kubelet.json": _json(_kubelet(place)),
        folder / "proxy.json": _json(_proxy(place)),
        folder / "resolv.conf": f"nameserver {RESOLVER}\n" if place.cluster.internet else "",
        **tunables,
    }


def kubeconfig_of(layout: Layout, user: str) -> Path:
    """Say where a user's kubeconfig is."""
    return _kubeconfig_path(layout, user)


def _kubeconfig_path(layout: Layout, user: str) -> Path:
    return layout.kubeconfig if user == "admin" else layout.control / f"{user}.kubeconfig"


def _json(content: Any) -> str:
    return json.dumps(content, indent=2) + "\n"


def _kubeconfig(layout: Layout, token: str) -> dict[str, Any]:
    server = {"server": layout.api_url, "certificate-authority": str(layout.certificate)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "callfleet", "cluster": server}],
        "users": [{"name": "callfleet", "user": {"token": token}}],
        "contexts": [
            {"name": "callfleet", "context": {"cluster": "callfleet", "user": "callfleet"}}
        ],
        "current-context": "callfleet",
    }


def _corefile(layout: Layout) -> str:
    place = layout.places[0]
    return f"""{DOMAIN} in-addr.arpa ip6.arpa {{
    errors
    ready {place.address}:{READY_PORT}
    kubernetes {DOMAIN} in-addr.arpa ip6.arpa {{
        kubeconfig {kubeconfig_of(layout, "dns")} callfleet
        ttl 5
    }}
    cache 5
}}
{_OTHER_NAMES if layout.internet else ""}"""


def _containerd(place: Place) -> str:
    layout = place.cluster
    runtime = "plugins.'io.containerd.cri.v1.runtime'"
    return f"""{_containerd_basis(place)}
[{runtime}]
disable_apparmor = true
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[{runtime}.cni]
bin_dirs = [{_quoted(layout.plugins)}]
conf_dir = {_quoted(place.folder / "cni")}
[{runtime}.containerd]
default_runtime_name = "runc"
[{runtime}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
runtime_path = {_quoted(layout.programs["containerd-shim-runc-v2"])}
[{runtime}.containerd.runtimes.runc.options]
BinaryName = {_quoted(layout.runc)}
SystemdCgroup = false
[plugins.'io.containerd.cri.v1.images']
snapshotter = "overlayfs"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = {_quoted(PAUSE_IMAGE)}
"""


def _containerd_alone(place: Place) -> str:
    """Give one that knows nothing of pods, to forget those of a cluster that has ended."""
    return f"""disabled_plugins = [
    "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"
]
{_containerd_basis(place)}"""


def _containerd_basis(place: Place) -> str:
    return f"""version = 3
root = {_quoted(place.containers)}
state = "/run/containerd"
[grpc]
address = {_quoted(place.socket)}
[ttrpc]
address = {_quoted(f"{place.socket}.ttrpc")}
[debug]
level = "info"
"""


def _quoted(text: object) -> str:
    return json.dumps(str(text))


def _cni(place: Place) -> dict[str, Any]:
    """Give each pod a link of its own to its node: no bridge, so every packet meets the rules."""
    ranges = [[{"subnet": place.pods}]]
    ipam = {
        "type": "host-local",
        "dataDir": "/run/cni",
        "ranges": ranges,
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {
        "cniVersion": "1.0.0",
        "name": "callfleet",
        "plugins": [
            {"type": "ptp", "ipMasq": False, "ipam": ipam},
            {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True},
        ],
    }


def _kubelet(place: Place) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": place.cgroup,
        "clusterDNS": [place.cluster.places[0].address],
        "clusterDomain": DOMAIN,
        "containerRuntimeEndpoint": f"unix://{place.socket}",
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
        "failCgroupV1": False,
        "failSwapOn": False,
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "localStorageCapacityIsolation": False,
        "oomScoreAdj": 0,
        "podLogsDir": "/var/log/pods",
        "resolvConf": str(place.folder / "resolv.conf"),
        "volumePluginDir": str(place.folder / "volume-plugins"),
    }


def _proxy(place: Place) -> dict[str, Any]:
    """Leave the table of connections as it is: it is the whole machine's."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig_of(place.cluster, "proxy"))},
        "clusterCIDR": place.cluster.pods,
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpCloseWaitTimeout": "0s",
            "tcpEstablishedTimeout": "0s",
        },
        "hostnameOverride": place.name,
        "mode": "iptables",
        "oomScoreAdj": 0,
    }
