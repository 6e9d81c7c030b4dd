"""Install charts of ours into a cluster, or upgrade them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import callfleet_tools
from callfleet_tools.node import Cluster, parts

_CHARTS = Path(__file__).resolve().parents[3] / "charts"


@dataclass(frozen=True, slots=True)
class Release:
    """What is installed: a chart of this tree, into a namespace of the release's own name."""

    name: str
    chart: str
    values: Mapping[str, Any]


def upgrade(cluster: Cluster, release: Release) -> None:
    """Install a release, or bring it up to date. Pods are not waited for.

    Raises:
        NodeError: helm refused.

    """
    file = cluster.layout.folder / f"{release.name}-values.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(release.values, indent=2), encoding="utf-8")
    helm = callfleet_tools.find("helm")
    command: list[str | Path] = [helm, "upgrade", "--install", release.name]
    command += [_CHARTS / release.chart, "--namespace", release.name, "--values", file]
    command += ["--kubeconfig", cluster.kubeconfig]
    parts.run(command, f"installing {release.name}")
