"""What goes wrong with calls, fleet by fleet, as its alert should tell: real faults of real parts.

Faults that have to last for minutes are struck first, and those that need many calls take turns:
two processors carry ten calls at once.
"""

import asyncio
from typing import Any

from oncall_fleets import BARGE_IN, PLAIN, TOOL, calls, plan
from oncall_houses import Houses
from oncall_watch import Watch

from callfleet_rehearsal.callers.plan import RunPlan, Voice
from callfleet_rehearsal.callers.run import Tell, run
from callfleet_rehearsal.relay import Weather
from callfleet_rehearsal.stack import keeper
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.ports import LOOPBACK, RELAYED

FAR = Weather(delay_up_seconds=0.1, delay_down_seconds=0.1, loss_ratio=0.05)
UNHEARD_AFTER_SECONDS, UNHEARD_SECONDS = 8.0, 80.0
LONELY_SECONDS, FULL_SECONDS, GHOST_SECONDS = 210.0, 90.0, 240.0
ROOMS_LINGER_SECONDS = 60.0
"""LiveKit's own 20, and as long as the rules look back."""
NOBODY = "an-agent-that-nobody-is"
WAITS: dict[str, Any] = {"voice": Voice.SILENT, "expects_greeting": False}


async def play(houses: Houses) -> None:
    """Play all of it."""
    async with asyncio.TaskGroup() as scenes:
        for one in (_crowded(houses), _quiet(houses), _lonely(houses)):
            scenes.create_task(one)


async def _crowded(houses: Houses) -> None:
    watch, workers = houses.crowded.watch, houses.crowded.workers
    keeper.kill(workers["gone"].child.pid)
    watch.strike("gone")
    watch.strike("lacking")
    await asyncio.gather(_late(houses), _far(houses), _unheard(houses))
    await asyncio.gather(_away(houses), _well(houses))
    await asyncio.gather(_slow(houses), _blocked(houses))
    await _deaf(houses)


async def _late(houses: Houses) -> None:
    """Every reply comes late; and tokens are billed by the thousand, without saying what for."""
    one = houses.crowded
    planned = plan(one.server, one.workers["late"], calls(1, 3, (PLAIN,) * 8))
    await _struck_by_the_first(one.watch, "late", "answered", planned)


async def _slow(houses: Houses) -> None:
    """The same to callers who expect better."""
    one = houses.crowded
    planned = plan(one.server, one.workers["slow"], calls(11, 3, (PLAIN,) * 8))
    await _struck_by_the_first(one.watch, "slow", "answered", planned)


async def _deaf(houses: Houses) -> None:
    """Whoever interrupts has to speak for a second until it is taken for speech."""
    one = houses.crowded
    kinds = (*(BARGE_IN,) * 9, PLAIN)
    planned = plan(one.server, one.workers["deaf"], calls(61, 3, kinds))
    await _struck_by_the_first(one.watch, "deaf", "answered", planned)


async def _far(houses: Houses) -> None:
    """A worker is a tenth of a second away from its LiveKit server, over a bad line."""
    server = houses.far
    planned = plan(
        server,
        houses.crowded.workers["far"],
        calls(11, 3, (PLAIN,) * 8),
        media=_media(server),
        agents_media=(RELAYED, server.media_port),
        agents_weather=FAR,
    )
    await _struck_by_the_first(houses.crowded.watch, "far", "joined", planned)


async def _unheard(houses: Houses) -> None:
    """From some instant on nothing of what a caller says comes through; both are there."""
    one, loop = houses.crowded, asyncio.get_running_loop()
    planned = plan(
        one.server,
        one.workers["unheard"],
        calls(31, 1, (), voice=Voice.SILENT, stays_seconds=UNHEARD_SECONDS),
        media=_media(one.server),
        weather=Weather(unheard_up_at_seconds=UNHEARD_AFTER_SECONDS),
    )

    def tell(event: dict[str, Any]) -> None:
        if event["event"] == "calling":
            loop.call_later(UNHEARD_AFTER_SECONDS, one.watch.strike, "unheard")

    await _call(one.watch, planned, tell)
    one.watch.mend("unheard")


async def _away(houses: Houses) -> None:
    """The model takes no connection: callers hear an apology."""
    one = houses.crowded
    silent = calls(51, 24, (), apart_seconds=2.0, voice=Voice.SILENT)
    planned = plan(one.server, one.workers["away"], silent)
    await _struck_by_the_first(one.watch, "away", "joined", planned)


async def _well(houses: Houses) -> None:
    """Nothing is wrong here."""
    one = houses.crowded
    kinds = (PLAIN, BARGE_IN, TOOL, PLAIN)
    await _call(one.watch, plan(one.server, one.workers["well"], calls(1, 2, kinds)))


async def _blocked(houses: Houses) -> None:
    """A tool holds up the loop whenever it is called."""
    one = houses.crowded
    planned = [
        plan(
            one.server,
            one.workers["blocked"],
            calls(21 + at, 1, (TOOL,) * 3, room=f"fault-block-{at}"),
        )
        for at in range(2)
    ]
    first, second = planned
    await asyncio.gather(
        _struck_by_the_first(one.watch, "blocked", "answered", first), _call(one.watch, second)
    )


async def _quiet(houses: Houses) -> None:
    one = houses.quiet
    await _full(houses)
    await asyncio.sleep(ROOMS_LINGER_SECONDS)
    ghosts = calls(43, 1, (), voice=Voice.SILENT, stays_seconds=GHOST_SECONDS)
    planned = plan(houses.unwatched, one.workers["ghost"], ghosts)
    await _struck_by_the_first(one.watch, "ghost", "joined", planned)


async def _full(houses: Houses) -> None:
    """One more caller comes than there are slots."""
    one = houses.quiet
    stays = FULL_SECONDS + 10.0
    talker = calls(41, 1, (), voice=Voice.SILENT, stays_seconds=stays)
    waiter = calls(42, 1, (), stays_seconds=FULL_SECONDS, **WAITS)
    planned = plan(one.server, one.workers["full"], talker)
    talking = asyncio.create_task(_call(one.watch, planned))
    await asyncio.sleep(5.0)
    planned = plan(one.server, one.workers["full"], waiter)
    await _struck_by_the_first(one.watch, "full", "joined", planned)
    one.watch.mend("full")
    await talking


async def _lonely(houses: Houses) -> None:
    """A room asks for an agent whose name nobody has."""
    one = houses.lonely
    waiter = calls(44, 1, (), stays_seconds=LONELY_SECONDS, **WAITS)
    planned = plan(one.server, houses.crowded.workers["well"], waiter, agent_name=NOBODY)
    await _struck_by_the_first(one.watch, "lonely", "joined", planned)


async def _struck_by_the_first(watch: Watch, scene: str, event: str, planned: RunPlan) -> None:
    """Let them call; the fault is there from the first time on that one tells of an event."""

    def tell(told: dict[str, Any]) -> None:
        if told["event"] == event:
            watch.strike(scene)

    await _call(watch, planned, tell)


async def _call(watch: Watch, planned: RunPlan, tell: Tell = lambda _: None) -> None:
    records = await run(planned, tell)
    watch.late_seconds = max(
        watch.late_seconds, *(record.send_late_p95_seconds for record in records)
    )


def _media(server: LiveKitServer) -> tuple[str, int]:
    return LOOPBACK, server.media_port
