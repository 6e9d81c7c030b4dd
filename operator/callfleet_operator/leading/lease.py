"""Hold a Lease: take it, renew it, give it back. It is written by what holds it alone."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from lightkube import AsyncClient
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease

from callfleet_operator.leading.terms import (
    DURATION_SECONDS,
    RENEW_SECONDS,
    Held,
    Trust,
    Waiting,
)
from callfleet_operator.reaching.problems import REQUEST_ERRORS, Trouble, explain

log = structlog.get_logger("callfleet_operator")


@dataclass(frozen=True, slots=True)
class LeaseName:
    """Which lease, and who one is."""

    namespace: str
    name: str
    me: str


class Leading:
    """Leads, or waits to."""

    def __init__(self, client: AsyncClient, name: LeaseName) -> None:
        self._client = client
        self._name = name
        self._trust = Trust()
        self._lease: Lease | None = None

    def holds(self) -> bool:
        """Tell whether this operator leads; asked before each write."""
        return self._trust.holds(time.monotonic())

    async def wait(self) -> None:
        """Wait until this operator leads."""
        waiting, told = Waiting(), ""
        while True:
            try:
                lease = await self._look()
                held = _held(lease)
                if lease is None or waiting.may_take(held, self._name.me, time.monotonic()):
                    if await self._take(lease):
                        log.info("this operator leads", lease=self._name.name, me=self._name.me)
                        return
                elif held.holder != told:
                    told = held.holder
                    log.info("another operator leads", lease=self._name.name, leader=told)
            except REQUEST_ERRORS as error:
                log.warning("waiting for the lease", error=explain(error, "ask for it").sentence)
            await asyncio.sleep(RENEW_SECONDS)

    async def keep(self) -> None:
        """Renew the lease for as long as it is this operator's; return when it is lost."""
        while self.holds():
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self._take(self._lease)
            except REQUEST_ERRORS as error:
                log.warning("the lease was not renewed", error=explain(error, "renew it").sentence)
        log.error("the lease is lost: this operator stops", lease=self._name.name)

    async def give_back(self) -> None:
        """Let another operator lead at once."""
        if not self.holds():
            return
        self._trust.lost()
        try:
            # A renewal that was under way may have been done unheard: what is there counts.
            lease = await self._look()
            if lease is not None and lease.spec is not None and self._is_mine(lease):
                lease.spec.holderIdentity = ""
                await self._client.replace(lease)
        except REQUEST_ERRORS as error:
            log.info("the lease was not given back", error=explain(error, "give it back").sentence)

    def _is_mine(self, lease: Lease) -> bool:
        return _held(lease).holder == self._name.me

    async def _look(self) -> Lease | None:
        try:
            return await self._client.get(Lease, self._name.name, namespace=self._name.namespace)
        except REQUEST_ERRORS as error:
            if explain(error, "").trouble is Trouble.GONE:
                return None
            raise

    async def _take(self, lease: Lease | None) -> bool:
        """Write oneself into the lease; False where somebody else was faster."""
        asked_at = time.monotonic()
        try:
            self._lease = await (
                self._client.create(self._written(None))
                if lease is None
                else self._client.replace(self._written(lease))
            )
        except REQUEST_ERRORS as error:
            if explain(error, "").trouble in (Trouble.CONFLICT, Trouble.GONE):
                return await self._lost_or_touched()
            raise
        self._trust.renewed(asked_at)
        return True

    async def _lost_or_touched(self) -> bool:
        """See whether another operator leads, or only another hand wrote something."""
        lease = await self._look()
        if lease is not None and self._is_mine(lease):
            self._lease = lease
        elif _held(lease).holder:
            self._trust.lost()
        else:
            self._lease = lease
        return False

    def _written(self, lease: Lease | None) -> Lease:
        now = datetime.now(UTC)
        # The API server wants all six digits, which are not written where they are zeros.
        now = now.replace(microsecond=now.microsecond or 1)
        before = lease.spec if lease is not None and lease.spec is not None else LeaseSpec()
        mine = before.holderIdentity == self._name.me
        changes = (before.leaseTransitions or 0) + (0 if mine or lease is None else 1)
        meta = lease.metadata if lease is not None else None
        return Lease(
            metadata=meta or ObjectMeta(name=self._name.name, namespace=self._name.namespace),
            spec=LeaseSpec(
                holderIdentity=self._name.me,
                leaseDurationSeconds=int(DURATION_SECONDS),
                acquireTime=before.acquireTime if mine and before.acquireTime else now,
                renewTime=now,
                leaseTransitions=changes,
            ),
        )


def _held(lease: Lease | None) -> Held:
    spec = lease.spec if lease is not None else None
    if spec is None:
        return Held("", "")
    renewed = f"{spec.renewTime}/{spec.leaseTransitions}"
    duration = float(spec.leaseDurationSeconds or DURATION_SECONDS)
    return Held(spec.holderIdentity or "", renewed, duration)
