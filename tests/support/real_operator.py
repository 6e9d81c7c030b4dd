"""The operator that a chart installed, as one sees it who looks after one of its fleets."""

from dataclasses import dataclass
from typing import Any

from kube_session import KubeSession
from pod_logs import PodLogs
from samples import added_up

_PORT = 8083
_SELECTOR = "app.kubernetes.io/name=callfleet-operator"
_LOST = "calls_ended_by_infrastructure_total"


@dataclass(frozen=True)
class RealOperator:
    """Asked about one fleet: others may be looked after at the same time."""

    kube: KubeSession
    own_namespace: str
    logs: PodLogs
    namespace: str
    fleet: str

    async def pods(self) -> list[dict[str, Any]]:
        """Give the operator's pods that run."""
        path = f"/api/v1/namespaces/{self.own_namespace}/pods?labelSelector={_SELECTOR}"
        found = (await self.kube.ask("GET", path))["items"]
        return [one for one in found if one["status"].get("phase") == "Running"]

    async def metric(self, name: str, **labels: str) -> float:
        """Add up a metric of the fleet, of all operators that run."""
        told = {"namespace": self.namespace, "fleet": self.fleet, **labels}
        total = 0.0
        for pod in await self.pods():
            page = await self.kube.page(f"http://{pod['status']['podIP']}:{_PORT}/metrics")
            total += added_up(page, f"callfleet_{name}", **told)
        return total

    async def lost(self) -> int:
        """Say how many calls of the fleet it has counted as ended by infrastructure."""
        return round(await self.metric(_LOST))

    def said(self, event: str = "") -> list[dict[str, Any]]:
        """Give the lines about the fleet that it logged, those of one event if it is named."""
        lines = [dict(line) for log in self.logs.read() for line in log.lines]
        own = [line for line in lines if line.get("fleet") == f"{self.namespace}/{self.fleet}"]
        return [line for line in own if event in ("", line.get("event"))]
