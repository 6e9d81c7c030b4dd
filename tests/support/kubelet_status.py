"""Write a pod's status as a kubelet does. Pure, but for the clock."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from kubelet_spec import Object, container_of


@dataclass(frozen=True, slots=True)
class State:
    """How a pod's container is, and how often it was started again."""

    phase: str = "Pending"
    state: Any = None
    """A container state: waiting, running or terminated."""
    last_state: Any = None
    restarts: int = 0
    started: bool = False
    ready: bool = False

    def waiting(self, reason: str, message: str = "") -> "State":
        """Give the state of one that waits."""
        told = {"reason": reason, **({"message": message} if message else {})}
        return replace(self, state={"waiting": told}, started=False, ready=False)

    def running(self) -> "State":
        """Give the state of one that runs, and is not yet known to be well."""
        return replace(self, phase="Running", state={"running": {"startedAt": now()}})

    def terminated(self, code: int) -> "State":
        """Give the state of one that has ended."""
        began = (self.state or {}).get("running", {}).get("startedAt")
        told = {
            "exitCode": code,
            "reason": "Error" if code else "Completed",
            "finishedAt": now(),
            **({"startedAt": began} if began else {}),
        }
        return replace(self, state={"terminated": told}, started=False, ready=False)

    def again(self) -> "State":
        """Give the state of one that ended and is started again."""
        return replace(self, last_state=self.state, restarts=self.restarts + 1)


def status_of(pod: Object, state: State, host_ip: str, pod_ip: str) -> Object:
    """Write the status."""
    container = container_of(pod)
    began = state.state is not None and "waiting" not in state.state
    over = state.phase in ("Succeeded", "Failed")
    why = {"reason": "PodCompleted" if over else "ContainersNotReady"}
    ready = {"status": "True"} if state.ready else {"status": "False", **why}
    return {
        "phase": state.phase,
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "podIP": pod_ip,
        "podIPs": [{"ip": pod_ip}],
        "startTime": pod.get("status", {}).get("startTime") or now(),
        "conditions": [
            _condition(pod, "PodReadyToStartContainers", {"status": "True"}),
            _condition(pod, "Initialized", {"status": "True"}),
            _condition(pod, "Ready", ready),
            _condition(pod, "ContainersReady", ready),
        ],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": f"stand-in://{container['image']}" if began else "",
                "ready": state.ready,
                "started": state.started,
                "restartCount": state.restarts,
                "state": state.state or {"waiting": {"reason": "ContainerCreating"}},
                "lastState": state.last_state or {},
            }
        ],
    }


def now() -> str:
    """Give the time as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _condition(pod: Object, kind: str, told: Object) -> Object:
    """Write a condition; it keeps its time where it says what it said before."""
    for before in pod.get("status", {}).get("conditions", []):
        if before["type"] == kind and before["status"] == told["status"]:
            return {"type": kind, "lastTransitionTime": before["lastTransitionTime"], **told}
    return {"type": kind, "lastTransitionTime": now(), **told}
