"""Which programs there are, at which version, built from what. Data only.

A new program is a row here and a folder ``go/<module>`` with a pinned ``go.mod`` and ``go.sum``,
and a ``main.go`` where it is ours or is put together by us.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from callfleet_tools.errors import ToolError

_MODULES = Path(__file__).parent / "go"


class Purpose(StrEnum):
    """What a program is needed for."""

    CALLS = "calls"
    """The local stack: without it nothing can be rehearsed."""
    CLUSTER = "cluster"
    """A Kubernetes control plane: tests of what runs in a cluster."""
    CHARTS = "charts"
    """Installing the charts, and judging them."""
    NODE = "node"
    """What a node needs besides a control plane: pods that run."""
    MONITORING = "monitoring"
    """Watching a fleet: rules and alerts, and their tests."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program.

    ``variable`` names an environment variable that may hold the path of one to use instead;
    ``version_pattern`` finds the version in what the program prints for ``version_arguments``.
    ``module_version`` is the version of its module, where that is counted in another way.
    """

    name: str
    version: str
    module: str
    package: str
    variable: str
    purpose: Purpose = Purpose.CALLS
    version_arguments: tuple[str, ...] = ("--version",)
    version_pattern: str = r"(\d+\.\d+\.\d+)"
    ldflags: str = "-s -w"
    tags: str = ""
    module_version: str = ""

    @property
    def module_folder(self) -> Path:
        """Where the pinned Go module of this program is."""
        return _MODULES / self.module

    @property
    def minimum_go(self) -> str:
        """The oldest Go that the module builds with, by its own ``go`` line."""
        text = (self.module_folder / "go.mod").read_text(encoding="utf-8")
        found = re.search(r"^go (\S+)$", text, re.MULTILINE)
        if found is None:
            message = f"{self.module_folder / 'go.mod'} has no go line; add the one it needs"
            raise ToolError(message)
        return found[1]

    @property
    def recipe(self) -> str:
        """A short digest of everything that decides what the build makes, the Go aside."""
        digest = sha256(f"{self.package}\0{self.ldflags}\0{self.tags}".encode())
        own_code = sorted(file.name for file in self.module_folder.glob("*.go"))
        for name in ("go.mod", "go.sum", *own_code):
            digest.update((self.module_folder / name).read_bytes())
        return digest.hexdigest()[:12]


_KUBERNETES = "1.36.3"
_HELM = "4.2.4"
_KUBE_ROUTER = "2.1.0"


def _kubernetes(
    name: str,
    version_arguments: tuple[str, ...] = ("--version",),
    purpose: Purpose = Purpose.CLUSTER,
) -> Program:
    """Say how a program of Kubernetes is built: it knows its version by the linker alone."""
    major, minor, _ = _KUBERNETES.split(".")
    stamps = {
        "k8s.io/component-base/version.gitVersion": f"v{_KUBERNETES}",
        "k8s.io/component-base/version.gitMajor": major,
        "k8s.io/component-base/version.gitMinor": minor,
        "k8s.io/component-base/version.gitTreeState": "clean",
    }
    return Program(
        name=name,
        version=_KUBERNETES,
        module="kubernetes",
        package=f"k8s.io/kubernetes/cmd/{name}",
        variable=f"CALLFLEET_TOOLS_{name.upper().replace('-', '_')}",
        purpose=purpose,
        version_arguments=version_arguments,
        ldflags=" ".join(["-s -w", *(f"-X {name}={value}" for name, value in stamps.items())]),
    )


_CONTAINERD = "2.2.9"


def _containerd(name: str, version_arguments: tuple[str, ...] = ("--version",)) -> Program:
    """Say how a program of containerd is built: without what needs headers of C libraries."""
    return Program(
        name=name,
        version=_CONTAINERD,
        module="containerd",
        package=f"github.com/containerd/containerd/v2/cmd/{name}",
        variable=f"CALLFLEET_TOOLS_{name.upper().replace('-', '_')}",
        purpose=Purpose.NODE,
        version_arguments=version_arguments,
        version_pattern=r" v?(\d+\.\d+\.\d+)",
        ldflags=f"-s -w -X github.com/containerd/containerd/v2/version.Version={_CONTAINERD}",
        tags="no_btrfs,no_devmapper,no_zfs",
    )


_STAMPED = "-s -w -X github.com/prometheus/common/version.Version="
_PROMETHEUS = "3.15.1"


def _prometheus(name: str) -> Program:
    """Say how a program of Prometheus' is built: without the clients of clouds it might watch."""
    major, minor, patch = _PROMETHEUS.split(".")
    return Program(
        name=name,
        version=_PROMETHEUS,
        module="prometheus",
        package=f"github.com/prometheus/prometheus/cmd/{name}",
        variable=f"CALLFLEET_TOOLS_{name.upper()}",
        purpose=Purpose.MONITORING,
        ldflags=_STAMPED + _PROMETHEUS,
        tags="remove_all_sd",
        module_version=f"0.{major}{minor:>02}.{patch}",
    )


_ALERTMANAGER = "0.31.1"


def _alertmanager(name: str) -> Program:
    return Program(
        name=name,
        version=_ALERTMANAGER,
        module="alertmanager",
        package=f"github.com/prometheus/alertmanager/cmd/{name}",
        variable=f"CALLFLEET_TOOLS_{name.upper()}",
        purpose=Purpose.MONITORING,
        ldflags=_STAMPED + _ALERTMANAGER,
    )


PROGRAMS: tuple[Program, ...] = (
    Program(
        name="livekit-server",
        version="1.13.5",
        module="livekit-server",
        package="github.com/livekit/livekit-server/cmd/server",
        variable="CALLFLEET_TOOLS_LIVEKIT_SERVER",
    ),
    Program(
        name="etcd",
        version="3.6.16",
        module="etcd",
        package="go.etcd.io/etcd/server/v3",
        variable="CALLFLEET_TOOLS_ETCD",
        purpose=Purpose.CLUSTER,
    ),
    _kubernetes("kube-apiserver"),
    _kubernetes("kube-controller-manager"),
    _kubernetes("kubectl", version_arguments=("version", "--client")),
    Program(
        name="helm",
        version=_HELM,
        module="helm",
        package="helm.sh/helm/v4/cmd/helm",
        variable="CALLFLEET_TOOLS_HELM",
        purpose=Purpose.CHARTS,
        version_arguments=("version", "--template", "{{.Version}}"),
        ldflags=f"-s -w -X helm.sh/helm/v4/internal/version.version=v{_HELM}",
    ),
    _kubernetes("kube-scheduler", purpose=Purpose.NODE),
    _kubernetes("kubelet", purpose=Purpose.NODE),
    _kubernetes("kube-proxy", purpose=Purpose.NODE),
    _containerd("containerd"),
    _containerd("containerd-shim-runc-v2", version_arguments=("-v",)),
    _containerd("ctr"),
    Program(
        name="coredns",
        version="1.14.7",
        module="coredns",
        package="callfleet.invalid/coredns",
        variable="CALLFLEET_TOOLS_COREDNS",
        purpose=Purpose.NODE,
        version_arguments=("-version",),
    ),
    Program(
        name="kube-router",
        version=_KUBE_ROUTER,
        module="kube-router",
        package="callfleet.invalid/kube-router",
        variable="CALLFLEET_TOOLS_KUBE_ROUTER",
        purpose=Purpose.NODE,
        ldflags="-s -w -X github.com/cloudnativelabs/kube-router/v2/pkg/version.Version="
        f"v{_KUBE_ROUTER}",
    ),
    Program(
        name="callfleet-pause",
        version="1.0.0",
        module="pause",
        package="callfleet.invalid/pause",
        variable="CALLFLEET_TOOLS_PAUSE",
        purpose=Purpose.NODE,
    ),
    _prometheus("prometheus"),
    _prometheus("promtool"),
    _alertmanager("alertmanager"),
    _alertmanager("amtool"),
)


def named(name: str) -> Program:
    """Look a program up.

    Raises:
        ToolError: there is none of that name.

    """
    for program in PROGRAMS:
        if program.name == name:
            return program
    known = ", ".join(program.name for program in PROGRAMS)
    message = f"no program is called {name!r}; there are: {known}"
    raise ToolError(message)
