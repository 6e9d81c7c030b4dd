"""Names in the cluster: the resource's own, and the labels and annotations that callfleet sets."""

from typing import Final

GROUP: Final = "callfleet.dev"
VERSION: Final = "v1alpha1"
KIND: Final = "VoiceFleet"
PLURAL: Final = "voicefleets"
SINGULAR: Final = "voicefleet"
SHORT: Final = "vf"
CRD_NAME: Final = f"{PLURAL}.{GROUP}"
API_VERSION: Final = f"{GROUP}/{VERSION}"

SCHEMA_ANNOTATION: Final = f"{GROUP}/schema"
"""On the CRD: a number that grows with each change of it, so that an operator sees its age."""

FLEET_LABEL: Final = f"{GROUP}/fleet"
REVISION_LABEL: Final = f"{GROUP}/revision"
ACCEPTING_LABEL: Final = f"{GROUP}/accepting"
"""``true`` from birth; ``false`` from the moment that the operator cordons the pod."""
CORDON_ANNOTATION: Final = f"{GROUP}/cordon"
"""The order that this pod's worker is to obey, as JSON; written before it is sent."""
UNDO_ANNOTATION: Final = f"{GROUP}/undo-revision"
"""On the fleet: the revision that its user wants undone. Another revision makes it void for good:
to undo the same one a second time, write something after a slash, as ``callfleet fleet`` does."""

WORKER_CONTAINER: Final = "worker"
HTTP_PORT: Final = 8081
ADMISSION_PORT: Final = 8082
STATE_FOLDER: Final = "/var/lib/callfleet"
"""Where a worker keeps its order across restarts of its container, not of its pod."""


def undone_by(annotation: str) -> str:
    """Name the revision that an undo annotation is about."""
    return annotation.partition("/")[0]


def pods_of(fleet: str) -> str:
    """Select all pods of a fleet."""
    return f"{FLEET_LABEL}={fleet}"


def accepting_pods_of(fleet: str) -> str:
    """Select the pods that the scale subresource counts: those that take calls, or soon will."""
    return f"{FLEET_LABEL}={fleet},{ACCEPTING_LABEL}=true"
