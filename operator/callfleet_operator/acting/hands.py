"""The single writes that acting is made of. What the API server answers goes into the store."""

import secrets
from dataclasses import dataclass

from lightkube.resources.apps_v1 import ControllerRevision
from lightkube.resources.core_v1 import Pod as ApiPod
from lightkube.resources.policy_v1 import PodDisruptionBudget
from lightkube.types import PatchType

from callfleet_contract.grace import GOODBYE_SECONDS, grace
from callfleet_operator.acting.fields import cordon_patch, label_patch
from callfleet_operator.objects.budgets import build_budget, is_as_built, is_of
from callfleet_operator.objects.environment import close_seconds
from callfleet_operator.objects.making import MisfitError
from callfleet_operator.objects.pods import build_pod
from callfleet_operator.objects.reading import read_pod, read_revision
from callfleet_operator.objects.revisions import build_revision
from callfleet_operator.objects.seen import SeenFleet, SeenPod, SeenRevision
from callfleet_operator.observing.store import Store
from callfleet_operator.planning.actions import Delete, Reason
from callfleet_operator.planning.snapshot import Cordon, Pod
from callfleet_operator.reaching.connection import Connection
from callfleet_operator.reaching.deleting import Expected, delete_pod
from callfleet_operator.reaching.problems import Problem, Trouble
from callfleet_operator.reaching.writing import WriteError, Writer

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Without vowels, as Kubernetes names pods: no word comes about."""
_END_CHARACTERS = 5


@dataclass(frozen=True, slots=True)
class Hands:
    """What writes for one operator. Each method raises ``WriteError`` or ``NotLeadingError``."""

    connection: Connection
    writer: Writer
    store: Store
    keys: tuple[str, ...]

    async def create_pod(self, revision: SeenRevision) -> SeenPod | None:
        """Make one pod of a revision."""
        name = f"{revision.fleet.name}-{_random_end()}"
        doing = f"create pod {revision.fleet.namespace}/{name}"
        try:
            wanted = build_pod(revision, name, self.keys)
        except MisfitError as error:
            problem = Problem(Trouble.REFUSED, f"{doing}: {error}", "Invalid")
            raise WriteError(problem) from error
        client = self.connection.client
        made = await self.writer.write("create", doing, lambda: client.create(wanted))
        return self._take(made)

    async def write_cordon(self, namespace: str, pod: Pod, cordon: Cordon) -> SeenPod | None:
        """Write an order on a pod."""
        doing = f"write the order {cordon.epoch} on pod {namespace}/{pod.name}"
        return await self._patch(namespace, pod, cordon_patch(pod, cordon), doing)

    async def write_label(self, namespace: str, pod: Pod, *, accepting: bool) -> SeenPod | None:
        """Write the label that goes with the order on a pod."""
        doing = f"write the label of pod {namespace}/{pod.name}"
        return await self._patch(namespace, pod, label_patch(pod, accepting=accepting), doing)

    async def delete_pod(self, fleet: SeenFleet, action: Delete) -> None:
        """Delete a pod, if it still is as it was seen."""
        pod = action.pod
        expected = Expected(fleet.key.namespace, pod.name, pod.uid, pod.resource_version)
        http, grace_seconds = self.connection.http, _grace_seconds(fleet, action)
        left = await self.writer.write(
            "delete",
            f"delete pod {fleet.key.namespace}/{pod.name}",
            lambda: delete_pod(http, expected, grace_seconds),
        )
        if left is not None:
            self._take(left)

    async def keep_revision(self, fleet: SeenFleet, number: int) -> None:
        """Keep the revision of a fleet's spec as it stands, under a number."""
        if fleet.spec is None:
            return
        wanted = build_revision(fleet, fleet.spec, number)
        client = self.connection.client
        made = await self.writer.write(
            "create",
            f"keep revision {wanted.metadata.name if wanted.metadata else ''} of {fleet.key}",
            lambda: client.create(wanted),
        )
        self._take_revision(made)

    async def number_revision(self, revision: SeenRevision, number: int) -> None:
        """Make a revision that is kept already the newest: a user went back to it."""
        client = self.connection.client
        made = await self.writer.write(
            "patch",
            f"number revision {revision.fleet.namespace}/{revision.object_name}",
            lambda: client.patch(
                ControllerRevision,
                revision.object_name,
                {"revision": number},
                namespace=revision.fleet.namespace,
                patch_type=PatchType.MERGE,
            ),
        )
        self._take_revision(made)

    async def forget_revision(self, revision: SeenRevision) -> None:
        """Delete a revision that nothing needs."""
        client = self.connection.client
        await self.writer.write(
            "delete",
            f"delete revision {revision.fleet.namespace}/{revision.object_name}",
            lambda: client.delete(
                ControllerRevision, revision.object_name, namespace=revision.fleet.namespace
            ),
        )
        self.store.revisions.drop((revision.fleet, revision.name))

    async def keep_budget(self, fleet: SeenFleet) -> None:
        """See to it that a fleet has its disruption budget, as it has to be."""
        wanted = build_budget(fleet.key, fleet.uid)
        client = self.connection.client
        doing = f"keep the disruption budget {fleet.key}"
        try:
            await self.writer.write("create", doing, lambda: client.create(wanted))
        except WriteError as error:
            if error.problem.reason != "AlreadyExists":
                raise
            await self._mend_budget(fleet, doing)
        self.store.budgets.add((fleet.key, fleet.uid))

    async def _mend_budget(self, fleet: SeenFleet, doing: str) -> None:
        client = self.connection.client
        there = await self.writer.write(
            "patch",
            doing,
            lambda: client.get(PodDisruptionBudget, fleet.key.name, namespace=fleet.key.namespace),
        )
        if not is_of(there, fleet.uid):
            sentence = (
                f"{doing}: there is one of that name that is not this fleet's: delete it, or give "
                "the fleet another name"
            )
            raise WriteError(Problem(Trouble.REFUSED, sentence, "AlreadyExists"))
        if is_as_built(there, fleet.uid):
            return
        wanted = build_budget(fleet.key, fleet.uid)
        if wanted.metadata and there.metadata:
            wanted.metadata.resourceVersion = there.metadata.resourceVersion
        await self.writer.write("patch", doing, lambda: client.replace(wanted))

    async def _patch(
        self, namespace: str, pod: Pod, patch: dict[str, object], doing: str
    ) -> SeenPod | None:
        client = self.connection.client
        made = await self.writer.write(
            "patch",
            doing,
            lambda: client.patch(
                ApiPod, pod.name, patch, namespace=namespace, patch_type=PatchType.MERGE
            ),
        )
        return self._take(made)

    def _take(self, made: ApiPod) -> SeenPod | None:
        seen = read_pod(made)
        if seen is not None:
            self.store.pods.put(seen.uid, seen)
        return seen

    def _take_revision(self, made: ControllerRevision) -> None:
        seen = read_revision(made)
        if seen is not None:
            self.store.revisions.put((seen.fleet, seen.name), seen)


def _grace_seconds(fleet: SeenFleet, action: Delete) -> int | None:
    """Say how long a pod may take to go, where it is not what it was made with.

    A pod whose node is gone is held by nobody; of one on its deadline the calls had their time, but
    are told goodbye.
    """
    if action.reason is Reason.NODE_GONE:
        return 0
    if action.ends_calls and fleet.spec is not None:
        return grace(GOODBYE_SECONDS, close_seconds(fleet.spec)).total_seconds
    return None


def _random_end() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_END_CHARACTERS))
