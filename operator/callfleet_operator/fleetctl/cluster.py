"""The cluster as a person at a terminal reaches it: with whatever a kubeconfig can hold."""

import json
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import httpx2
from lightkube import Client, KubeConfig
from lightkube.core.exceptions import ApiError, ConfigError
from lightkube.resources.core_v1 import Pod
from lightkube.types import PatchType

from callfleet_contract.fleet import names
from callfleet_operator.fleetctl.wishes import Wish
from callfleet_operator.objects.reading import read_fleet, read_pod
from callfleet_operator.objects.seen import SeenFleet, SeenPod
from callfleet_operator.reaching.kinds import VoiceFleet, as_raw
from callfleet_operator.settings import PORT

_FIELD_MANAGER = "callfleet-fleet"
_ASK_SECONDS = 5.0
_NOT_FOUND, _CONFLICT = 404, 409
T = TypeVar("T")


class ClusterError(Exception):
    """The cluster cannot be reached, or refuses; says what was asked for, and the answer."""


class Cluster:
    """Reads fleets and pods, and writes wishes on them."""

    def __init__(self, namespace: str | None) -> None:
        try:
            config = KubeConfig.from_env().get()
            self._client = Client(config=config, field_manager=_FIELD_MANAGER)
        except (ConfigError, KeyError, OSError) as error:
            message = f"no cluster is known ({error}): set KUBECONFIG to a kubeconfig"
            raise ClusterError(message) from error
        self.namespace = namespace or self._client.namespace

    def fleets(self, *, everywhere: bool) -> list[SeenFleet]:
        """Read all fleets of the namespace, or of all."""
        where = "*" if everywhere else self.namespace
        found = self._ask(
            "list voicefleets", lambda: list(self._client.list(VoiceFleet, namespace=where))
        )
        return sorted((read_fleet(as_raw(one)) for one in found), key=lambda one: one.key)

    def fleet(self, name: str) -> SeenFleet:
        """Read one fleet."""
        found = self._ask(
            f"get voicefleet {self.namespace}/{name}",
            lambda: self._client.get(VoiceFleet, name, namespace=self.namespace),
        )
        return read_fleet(as_raw(found))

    def pods(self, fleet: SeenFleet) -> list[SeenPod]:
        """Read the pods of a fleet, by name."""
        found = self._ask(
            f"list pods of {fleet.key}",
            lambda: list(
                self._client.list(
                    Pod,
                    namespace=fleet.key.namespace,
                    labels={names.FLEET_LABEL: fleet.key.name},
                )
            ),
        )
        read = (read_pod(one) for one in found)
        return sorted((pod for pod in read if pod is not None), key=lambda pod: pod.name)

    def pod(self, name: str) -> SeenPod:
        """Read one pod of a fleet."""
        found = self._ask(
            f"get pod {self.namespace}/{name}",
            lambda: self._client.get(Pod, name, namespace=self.namespace),
        )
        pod = read_pod(found)
        if pod is None:
            message = (
                f"pod {self.namespace}/{name} is of no fleet (it has no label {names.FLEET_LABEL})"
            )
            raise ClusterError(message)
        return pod

    def has_pod(self, pod: SeenPod) -> bool:
        """Whether a pod is still there."""
        try:
            return self.pod(pod.name).uid == pod.uid
        except ClusterError as error:
            if isinstance(error.__cause__, ApiError) and _code(error.__cause__) == _NOT_FOUND:
                return False
            raise

    def write_pod(self, pod: SeenPod, wish: Wish) -> None:
        """Write a wish on a pod, if it still is as it was seen."""
        self._ask(
            f"patch pod {pod.namespace}/{pod.name}",
            lambda: self._client.patch(
                Pod,
                pod.name,
                wish.patch,
                namespace=pod.namespace,
                patch_type=PatchType.MERGE,
            ),
        )

    def write_fleet(self, fleet: SeenFleet, wish: Wish) -> None:
        """Write a wish on a fleet."""
        self._ask(
            f"patch voicefleet {fleet.key}",
            lambda: self._client.patch(
                VoiceFleet,
                fleet.key.name,
                wish.patch,
                namespace=fleet.key.namespace,
                patch_type=PatchType.MERGE,
            ),
        )

    def _ask(self, doing: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except ApiError as error:
            cure = ""
            if _code(error) == _CONFLICT:
                cure = " (it changed meanwhile: ask again)"
            elif "the server could not find the requested resource" in str(error):
                cure = " (`callfleet operator crd | kubectl apply --server-side -f -`)"
            message = f"cannot {doing}: {error.status.message or error}{cure}"
            raise ClusterError(message) from error
        except (httpx2.HTTPError, ConfigError, OSError) as error:
            message = f"cannot {doing}: no answer from the API server ({error})"
            raise ClusterError(message) from error


def ask_operator(url: str, fleet: SeenFleet) -> dict[str, Any]:
    """Ask an operator what it last decided for a fleet.

    Raises:
        ClusterError: it gives no answer, or knows no such fleet.

    """
    asked = f"{url.rstrip('/')}/plans/{fleet.key.namespace}/{fleet.key.name}"
    try:
        with urlopen(asked, timeout=_ASK_SECONDS) as answer:  # noqa: S310 - the user's own address
            told: dict[str, Any] = json.load(answer)
    except HTTPError as error:
        message = f"{asked} answers {error.code}: {_said(error)}"
        raise ClusterError(message) from error
    except (URLError, ValueError, OSError) as error:
        message = (
            f"no plan from {asked} ({error}): reach the operator that leads with `kubectl "
            f"port-forward deployment/callfleet-operator {PORT}`, or name it with --operator"
        )
        raise ClusterError(message) from error
    return told


def _said(error: HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError, TypeError):
        return error.reason


def _code(error: ApiError) -> int:
    return error.status.code or (error.response.status_code if error.response is not None else 0)
