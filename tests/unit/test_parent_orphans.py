"""What a tool has forked lives on when its call's process dies, and keeps nothing of the call's."""

import asyncio
import multiprocessing as mp

import pytest
from orphans import LAST_WORDS, Forking

from callfleet_worker.upstream.jobs import end_logs_with_their_process

PATIENCE_SECONDS = 20


async def test_a_process_is_gone_once_it_is_dead_whatever_it_has_left_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    end_logs_with_their_process()
    process = Forking(
        initialize_timeout=PATIENCE_SECONDS,
        close_timeout=PATIENCE_SECONDS,
        memory_warn_mb=0,
        memory_limit_mb=0,
        ping_interval=2.5,
        ping_timeout=60,
        high_ping_threshold=0.5,
        http_proxy=None,
        mp_ctx=mp.get_context("forkserver"),
        loop=asyncio.get_running_loop(),
    )
    await process.start()
    await process.initialize()
    orphan = process.die()
    try:
        await asyncio.wait_for(process.join(), PATIENCE_SECONDS)
        assert orphan.is_running()
        assert LAST_WORDS in caplog.messages
    finally:
        orphan.kill()
