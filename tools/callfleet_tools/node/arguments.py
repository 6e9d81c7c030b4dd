"""The command lines of a cluster's programs, as functions of its layout."""

from pathlib import Path

from callfleet_tools.node.files import kubeconfig_of
from callfleet_tools.node.layout import API_PORT, INTERNET, INTERNET_ADDRESSES, Layout, Place

ETCD_URL = "http://127.0.0.1:2379"
"""Nobody else is on loopback there: the network is the node's own."""
_FAST = ("--kube-api-qps=500", "--kube-api-burst=1000")
"""Without these the first pods wait for seconds."""


def etcd(layout: Layout) -> list[str | Path]:
    """Run etcd: what it keeps is gone with the cluster, so it need not wait for the disk."""
    peer = "http://127.0.0.1:2380"
    return [
        layout.programs["etcd"],
        f"--data-dir={layout.control / 'etcd'}",
        f"--listen-client-urls={ETCD_URL}",
        f"--advertise-client-urls={ETCD_URL}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server(layout: Layout) -> list[str | Path]:
    """Run the API server at an address that pods, nodes and the machine reach alike."""
    return [
        layout.programs["kube-apiserver"],
        f"--etcd-servers={ETCD_URL}",
        f"--advertise-address={layout.places[0].address}",
        f"--secure-port={API_PORT}",
        f"--cert-dir={layout.certificate.parent}",
        f"--token-auth-file={layout.control / 'tokens.csv'}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--service-cluster-ip-range={layout.services}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={layout.control / 'service-accounts.pub'}",
        f"--service-account-signing-key-file={layout.control / 'service-accounts.key'}",
        "--kubelet-preferred-address-types=InternalIP",
        "--endpoint-reconciler-type=lease",
        "--allow-privileged=true",
    ]


def controllers(layout: Layout) -> list[str | Path]:
    """Run Kubernetes' own controllers."""
    return [
        layout.programs["kube-controller-manager"],
        f"--kubeconfig={kubeconfig_of(layout, 'controllers')}",
        f"--root-ca-file={layout.certificate}",
        f"--service-account-private-key-file={layout.control / 'service-accounts.key'}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        *_FAST,
    ]


def scheduler(layout: Layout) -> list[str | Path]:
    """Run the scheduler."""
    return [
        layout.programs["kube-scheduler"],
        f"--kubeconfig={kubeconfig_of(layout, 'scheduler')}",
        "--leader-elect=false",
        *_FAST,
    ]


def dns(layout: Layout) -> list[str | Path]:
    """Run what knows the names of services."""
    return [layout.programs["coredns"], "-conf", layout.control / "Corefile"]


def containerd(place: Place, *, alone: bool = False) -> list[str | Path]:
    """Run what runs containers; ``alone``, it knows nothing of pods."""
    config = "containerd-alone.toml" if alone else "containerd.toml"
    return [place.cluster.programs["containerd"], "--config", place.folder / config]


def kubelet(place: Place) -> list[str | Path]:
    """Run what runs pods."""
    return [
        place.cluster.programs["kubelet"],
        f"--config={place.folder / 'kubelet.json'}",
        f"--kubeconfig={kubeconfig_of(place.cluster, place.name)}",
        f"--root-dir={place.folder / 'kubelet'}",
        f"--cert-dir={place.folder / 'certificates'}",
        f"--hostname-override={place.name}",
        f"--node-ip={place.address}",
    ]


def proxy(place: Place) -> list[str | Path]:
    """Run what leads the addresses of services to pods."""
    return [place.cluster.programs["kube-proxy"], f"--config={place.folder / 'proxy.json'}"]


def enforcer(place: Place) -> list[str | Path]:
    """Run what enforces NetworkPolicies."""
    return [
        place.cluster.programs["kube-router"],
        f"--kubeconfig={kubeconfig_of(place.cluster, 'policies')}",
        f"--hostname-override={place.name}",
        f"--service-cluster-ip-range={place.cluster.services}",
    ]


def enforcing() -> list[str | Path]:
    """Ask whether what goes through a node is led past its rules: it succeeds then."""
    return ["iptables", "--numeric", "--list", "KUBE-ROUTER-FORWARD"]


def internet() -> list[str | Path]:
    """Run what speaks for a node: in the machine's network, and else inside of the node."""
    return [
        "slirp4netns",
        "--configure",
        "--disable-host-loopback",
        f"--cidr={INTERNET_ADDRESSES}",
        "--netns-type=path",
        "/proc/1/ns/net",
        INTERNET,
    ]


def ctr(place: Place, *arguments: str | Path) -> list[str | Path]:
    """Speak with a node's containerd of what its pods have."""
    program = place.cluster.programs["ctr"]
    return [program, "--address", place.socket, "--namespace", "k8s.io", *arguments]
