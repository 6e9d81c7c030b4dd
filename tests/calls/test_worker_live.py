"""What a worker exports rises while a call runs, and leads to the call.

One call to a real worker, which talks, then has its caller's sound kept back on the way, and is
killed with its process; in the end the worker is, while it is scraped.
"""

import asyncio
import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

import aiohttp
import psutil
import pytest
from worker_stand import PATIENCE_SECONDS, until

from callfleet_rehearsal.callers.plan import CallPlan, RunPlan
from callfleet_rehearsal.callers.run import run
from callfleet_rehearsal.evidence import TurnKind
from callfleet_rehearsal.relay import Weather
from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.ports import LOOPBACK
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.worker import Worker, start_worker

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
NOBODY = f"http://{LOOPBACK}:9"
"""A collector that is not there: traces are made all the same."""
CUT_SECONDS = 20.0
SCRAPERS, SCRAPES = 4, 40
RISE = (
    "callfleet_turn_response_seconds_count",
    "callfleet_tokens_total",
    "callfleet_cost_usd_total",
    "callfleet_speech_seconds_total",
    "callfleet_rtp_packets_received_total",
    "callfleet_rtp_window_loss_ratio_count",
    "callfleet_caller_quality_seconds_total",
)
ONE_WAY = 'callfleet_one_way_audio_seconds_total{direction="from_caller"}'
TOOL = 'callfleet_tool_calls_total{result="error",tool="look_up_order"}'
ACTIVE = "callfleet_calls_active"
ANSWERED = "callfleet_call_setup_seconds_count"
DIED = 'callfleet_calls_total{outcome="dropped",reason="process_died"}'

Seen = dict[str, float]


@dataclass
class Watched:
    """What was scraped of one call: before it, answered, cut off, and dead."""

    before: Seen = field(default_factory=dict)
    answered: Seen = field(default_factory=dict)
    unheard: Seen = field(default_factory=dict)
    dead: Seen = field(default_factory=dict)
    unheard_after_seconds: float = 0.0
    text: str = ""
    last_words: list[str] = field(default_factory=list)


def total(seen: Seen, name: str) -> float:
    """The sum over all series of a name."""
    return sum(value for series, value in seen.items() if series.partition("{")[0] == name)


async def scrape(worker: Worker) -> str:
    async with (
        aiohttp.ClientSession(headers={"Accept": OPENMETRICS}) as session,
        session.get(f"{worker.http_url}/metrics") as answer,
    ):
        return await answer.text()


def read(text: str) -> Seen:
    rows = (
        line.partition(" # ")[0].rpartition(" ") for line in text.splitlines() if line[0] != "#"
    )
    return {series: float(value) for series, _, value in rows}


async def seen_when(worker: Worker, fits: Callable[[Seen], bool], what: str) -> Seen:
    latest: Seen = {}

    async def is_so() -> bool:
        latest.update(read(await scrape(worker)))
        return fits(latest)

    await until(is_so, what)
    return latest


def call_process(worker_pid: int) -> int:
    """The process that a call runs in: the one that the media engine keeps busy."""
    family = psutil.Process(worker_pid).children(recursive=True)
    return max(family, key=lambda one: one.num_threads()).pid


async def scrape_until_killed(worker: Worker, pid: int) -> list[str]:
    """Scrape without a pause, kill the worker meanwhile, and give all answers that came."""
    answers: list[str] = []

    async def go_on() -> None:
        while True:
            try:
                answers.append(await scrape(worker))
            except aiohttp.ClientError:
                return

    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as tasks:
        for _ in range(SCRAPERS):
            tasks.create_task(go_on())
        while len(answers) < SCRAPES:  # noqa: ASYNC110 - another process answers
            await asyncio.sleep(0.001)
        os.kill(pid, signal.SIGKILL)
    return answers


async def watch(server: LiveKitServer, worker: Worker, pid: int) -> Watched:
    plan = RunPlan(
        server.url,
        server.api_key,
        server.api_secret,
        worker.agent_name,
        uuid4().hex[:6],
        (CallPlan(1, (TurnKind.PLAIN,) * 9),),
        media=(LOOPBACK, server.media_port),
        weather=Weather(unheard_up_at_seconds=CUT_SECONDS),
    )
    found = Watched(before=read(await scrape(worker)))
    began = time.monotonic()
    caller = asyncio.create_task(run(plan, lambda _: None))
    found.answered = await seen_when(worker, lambda seen: seen[ANSWERED] > 0, "answered")
    found.unheard = await seen_when(worker, lambda seen: seen[ONE_WAY] > 0, "unheard")
    found.unheard_after_seconds = time.monotonic() - began - CUT_SECONDS
    found.text = await scrape(worker)
    os.kill(call_process(pid), signal.SIGKILL)
    found.dead = await seen_when(worker, lambda seen: seen[DIED] > 0, "dead")
    caller.cancel()
    await asyncio.wait((caller,))
    found.last_words = await scrape_until_killed(worker, pid)
    return found


@pytest.fixture(scope="module")
def watched(children: Children, livekit_server: LiveKitServer, emulator: Emulator) -> Watched:
    more = {
        "CALLFLEET_AGENT_NAME": f"agent-{uuid4().hex[:8]}",
        "CALLFLEET_TELEMETRY__OTLP_ENDPOINT": NOBODY,
    }
    worker, child = start_worker(children, livekit_server, emulator, 1, more)
    found = asyncio.run(watch(livekit_server, worker, child.pid))
    children.stop(child)
    return found


@pytest.mark.parametrize("name", RISE)
def test_it_rises_while_the_call_runs(watched: Watched, name: str) -> None:
    assert watched.unheard[ACTIVE] == 1
    assert total(watched.unheard, "callfleet_calls_total") == 0
    assert total(watched.unheard, name) > total(watched.answered, name)


def test_a_tool_is_shown_as_nought_before_the_first_call(watched: Watched) -> None:
    assert watched.before[TOOL] == 0


def test_a_caller_who_is_no_longer_heard_is_counted_while_the_call_runs(watched: Watched) -> None:
    assert watched.answered[ONE_WAY] == 0
    assert watched.unheard[ONE_WAY] >= 4.5


def test_a_response_time_leads_to_its_call_and_its_trace(watched: Watched) -> None:
    found = re.findall(
        r"callfleet_turn_response_seconds_bucket{[^}]*} \S+ # {([^}]*)} \S+", watched.text
    )
    assert found
    assert all(re.search(r'trace_id="[0-9a-f]{32}"', facts) for facts in found)
    assert all('call_id="AJ_' in facts for facts in found)


def test_gauges_of_a_call_whose_process_was_killed_do_not_stay_up(watched: Watched) -> None:
    assert watched.dead[DIED] == 1
    assert watched.dead[ACTIVE] == 0


def test_nothing_that_was_counted_falls_when_a_process_is_killed(watched: Watched) -> None:
    fell = [
        series
        for series, value in watched.unheard.items()
        if series.partition("{")[0].endswith(("_total", "_count", "_bucket", "_sum"))
        and watched.dead[series] < value
    ]
    assert fell == []


def test_an_answer_of_a_worker_that_is_killed_is_whole_or_none(watched: Watched) -> None:
    assert len(watched.last_words) >= SCRAPES
    assert all(text.endswith("# EOF\n") for text in watched.last_words)
