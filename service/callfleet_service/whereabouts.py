"""Where a program runs in a cluster, as its pod's environment says."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

POD_NAME = "POD_NAME"
POD_NAMESPACE = "POD_NAMESPACE"
POD_UID = "POD_UID"
NODE_NAME = "NODE_NAME"
CONTAINER_NAME = "CONTAINER_NAME"
FLEET_NAME = "FLEET_NAME"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Names of the pod and of what it belongs to; empty where nobody said so."""

    namespace: str = ""
    pod: str = ""
    pod_uid: str = ""
    node: str = ""
    container: str = ""
    fleet_name: str = ""

    @classmethod
    def read(cls, env: Mapping[str, str] | None = None) -> Self:
        """Read the environment."""
        env = os.environ if env is None else env
        return cls(
            namespace=env.get(POD_NAMESPACE, ""),
            pod=env.get(POD_NAME, ""),
            pod_uid=env.get(POD_UID, ""),
            node=env.get(NODE_NAME, ""),
            container=env.get(CONTAINER_NAME, ""),
            fleet_name=env.get(FLEET_NAME, ""),
        )

    @property
    def fleet(self) -> str:
        """The fleet as ``namespace/name``, which is how the operator writes it as well."""
        return f"{self.namespace}/{self.fleet_name}" if self.fleet_name else ""
