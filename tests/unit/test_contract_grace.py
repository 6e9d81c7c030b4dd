"""The arithmetic of going, held against the framework's own figures and the page about it."""

import inspect
import re
from pathlib import Path

from livekit.agents.ipc import job_proc_lazy_main, supervised_proc

from callfleet_contract.grace import ENTRYPOINT_SECONDS, KILL_SECONDS, grace
from callfleet_worker.settings import DrainSettings

PAGE = Path(__file__).parents[2] / "docs" / "drain.md"


def test_every_step_is_in_the_sum() -> None:
    steps = grace(900, 10)
    assert steps.total_seconds == 976
    assert grace(60, 1).total_seconds == steps.total_seconds - 840 - 18


def test_the_framework_gives_an_entrypoint_the_seconds_that_we_count() -> None:
    source = inspect.getsource(job_proc_lazy_main._JobProc._shutdown_job)
    (timeout,) = re.findall(r"asyncio\.shield\(job_entry_task\), timeout=(\d+)\)", source)
    assert float(timeout) == ENTRYPOINT_SECONDS


def test_the_framework_closes_a_session_within_the_seconds_that_we_lower() -> None:
    source = inspect.getsource(job_proc_lazy_main._JobProc._shutdown_job)
    assert "timeout=_SESSION_ACLOSE_TIMEOUT" in source
    assert job_proc_lazy_main._SESSION_ACLOSE_TIMEOUT > 0


def test_the_framework_kills_after_the_seconds_that_we_count() -> None:
    source = inspect.getsource(supervised_proc.SupervisedProc._send_kill_signal)
    assert [float(pause) for pause in re.findall(r"sleep\(([\d.]+)\)", source)] == [KILL_SECONDS]
    closing = inspect.getsource(supervised_proc.SupervisedProc.aclose)
    assert closing.count("timeout=self._opts.close_timeout") == 2


def test_the_page_states_the_sum_at_the_defaults() -> None:
    drain = DrainSettings()
    total = grace(drain.seconds, drain.close_seconds).total_seconds
    page = PAGE.read_text(encoding="utf-8")
    assert f"**{total}**" in page
    assert f"drain seconds + twice the close seconds + {grace(0, 0).total_seconds}" in page
