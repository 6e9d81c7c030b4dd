"""Three LiveKit servers with their workers, each with somebody who watches: where faults strike.

What an alert asks of a whole LiveKit server must not be disturbed by other calls on it.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncall_fleets import arm, begin_worker, target, wait_for_all
from oncall_watch import Watch, watching
from worker_stand import Worker

import callfleet_tools
from callfleet_rehearsal.stack.emulator import Emulator, start_emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer, start_livekit
from callfleet_rehearsal.stack.monitoring import livekit_target
from callfleet_rehearsal.stack.ports import LOOPBACK, RELAYED, free_ports
from callfleet_rehearsal.stack.processes import Children

MODEL_LATE_SECONDS = 3.5
TURNS = range(1, 13)
TOKENS_TIMES = 30
LACKING = "callfleet_barge_in_stop_seconds.*"


@dataclass(frozen=True)
class House:
    """One LiveKit server, its workers by fleet, and who watches them."""

    server: LiveKitServer
    workers: dict[str, Worker]
    watch: Watch


@dataclass(frozen=True)
class Houses:
    """All of them. ``far`` is watched with the crowded one; ``unwatched`` is by nobody."""

    crowded: House
    quiet: House
    lonely: House
    far: LiveKitServer
    unwatched: LiveKitServer

    @property
    def watches(self) -> tuple[Watch, ...]:
        """Who watches."""
        return self.crowded.watch, self.quiet.watch, self.lonely.watch

    def watch_of(self, scene: str) -> Watch:
        """Say who watches a scene."""
        if scene == "lonely":
            return self.lonely.watch
        return self.quiet.watch if scene in self.quiet.workers else self.crowded.watch


@dataclass(frozen=True)
class Models:
    """Emulated models: one is well, one takes no connection, one is late and dear."""

    well: Emulator
    away: Emulator
    late: Emulator


@contextmanager
def built(folder: Path) -> Iterator[Houses]:
    """Have all of it run while the block does."""
    with ExitStack() as stack:

        def children(name: str) -> Children:
            own = folder / name
            own.mkdir()
            return stack.enter_context(Children(own))

        program = callfleet_tools.find("livekit-server")
        main, quiet, lonely, unwatched = (
            start_livekit(children(name), program)[0]
            for name in ("main", "full", "lonely", "apart")
        )
        far, _ = start_livekit(children("far"), program, announced=RELAYED)
        models = _start_models(children)
        begun = children("workers")
        crowd = _begin_crowd(begun, main, far, models)
        few = {
            "full": begin_worker(begun, quiet, models.well, 1),
            "ghost": begin_worker(begun, unwatched, models.well, 4),
        }
        wait_for_all((*crowd.values(), *few.values()))
        wards = [
            target(name, one, LACKING if name == "lacking" else "") for name, one in crowd.items()
        ]
        wards += [livekit_target(main.metrics_url), livekit_target(far.metrics_url)]
        watch = stack.enter_context(watching(folder / "watch-main", wards))
        wards = [target(name, one) for name, one in few.items()]
        wards.append(livekit_target(quiet.metrics_url))
        quiet_watch = stack.enter_context(watching(folder / "watch-quiet", wards))
        lonely_watch = stack.enter_context(
            watching(folder / "watch-lonely", [livekit_target(lonely.metrics_url)])
        )
        yield Houses(
            House(main, crowd, watch),
            House(quiet, few, quiet_watch),
            House(lonely, {}, lonely_watch),
            far,
            unwatched,
        )


def _start_models(children: Callable[[str], Children]) -> Models:
    """Start them; their faults are there to stay."""
    well, away, late = (
        start_emulator(children(f"model-{name}"), "ideal", seed=1)[0]
        for name in ("well", "away", "late")
    )
    arm(away, "http_status", status=503)
    arm(late, "vague_usage", factor=TOKENS_TIMES)
    for turn in TURNS:
        # Not the greeting: callers whom nobody answers in time are another alert's.
        arm(late, "stall", turn=turn, seconds=MODEL_LATE_SECONDS)
    return Models(well, away, late)


def _begin_crowd(
    children: Children, server: LiveKitServer, far: LiveKitServer, models: Models
) -> dict[str, Worker]:
    (nobody,) = free_ports(1)

    def begin(
        slots: int, model: Emulator = models.well, at: LiveKitServer = server, **more: str
    ) -> Worker:
        told = {f"CALLFLEET_{name}": value for name, value in more.items()}
        return begin_worker(children, at, model, slots, **told)

    return {
        "well": begin(4),
        "late": begin(4, models.late, MODEL__PROFILE="measured"),
        "slow": begin(4, models.late),
        "deaf": begin(4, MODEL__PREFIX_PADDING_MS="1000"),
        "away": begin(12, models.away),
        "far": begin(4, at=far),
        "blocked": begin(3, CALLS_PER_PROCESS="1"),
        "unheard": begin(2),
        "lacking": begin(1, TELEMETRY__OTLP_ENDPOINT=f"http://{LOOPBACK}:{nobody}"),
        "gone": begin(1),
    }


@contextmanager
def playing(scenes: Coroutine[Any, Any, None], watches: tuple[Watch, ...]) -> Iterator[None]:
    """Play scenes beside the block, in a thread; whoever waits is told where one breaks."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(scenes)

    def play() -> None:
        try:
            loop.run_until_complete(task)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the tests' to raise
            for watch in watches:
                watch.failure = error
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    thread = threading.Thread(target=play, name="scenes")
    thread.start()
    try:
        yield
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(task.cancel)
        thread.join()
