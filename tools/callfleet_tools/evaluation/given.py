"""What a furnished cluster gives to whoever has fleets and callers on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from callfleet_tools.node import Cluster

LIVEKIT = "livekit"
"""Its release, and the namespace of that: it is on the network of its node."""
CALLFLEET = "callfleet"
"""The release of operator, definition and emulator, and the namespace of that."""
FLEET = "support"
"""The fleet that a cluster is furnished with where one is wanted, in the same release."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A furnished cluster.

    ``livekit_url`` is reached from this machine and from pods alike; ``emulator_url`` from pods,
    and ``emulator_ca`` (PEM) proves who answers there. ``images`` are references by role: those of
    callfleet, ``livekit-server`` and ``redis``. What all fleets need is on the first node, so that
    any other can be drained.
    """

    cluster: Cluster
    livekit_url: str
    api_key: str
    api_secret: str = field(repr=False)
    images: Mapping[str, str]
    emulator_url: str
    emulator_ca: str = field(repr=False)
    namespace: str = CALLFLEET
    livekit_namespace: str = LIVEKIT
