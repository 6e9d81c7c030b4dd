"""What is said about LiveKit: once for each change, with the cure, never with the secret."""

import logging
import time
from email.utils import formatdate
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from callfleet_worker.parent.connection import ConnectionWatch, watching
from callfleet_worker.parent.preflight import (
    Verdict,
    agent_url,
    judge,
    judge_handshake,
    knock,
)
from callfleet_worker.settings import LivekitSettings

LIVEKIT = LivekitSettings.model_validate(
    {"url": "ws://livekit:7880", "api_key": "devkey", "api_secret": "hush" * 10}
)


def retry(error: object) -> logging.LogRecord:
    record = logging.LogRecord(
        "livekit.agents",
        logging.WARNING,
        "f",
        1,
        "failed to connect to livekit, retrying in 4s",
        None,
        None,
    )
    record.error = error
    record.retry_count = 3
    return record


def refusal(status: int, date: str = "") -> aiohttp.WSServerHandshakeError:
    info = aiohttp.RequestInfo(
        URL("ws://x"), "GET", CIMultiDictProxy(CIMultiDict[Any]()), URL("ws://x")
    )
    headers = CIMultiDict({"Date": date}) if date else None
    return aiohttp.WSServerHandshakeError(info, (), status=status, headers=headers)


def test_a_row_of_retries_is_told_once_and_again_after_the_worker_was_registered() -> None:
    watch = ConnectionWatch(LIVEKIT)
    first = retry(OSError("refused"))
    assert watch.filter(first)
    assert first.getMessage().startswith("LiveKit at ws://livekit:7880 cannot be reached (refused)")
    assert not hasattr(first, "retry_count")
    assert not watch.filter(retry(OSError("refused")))
    assert watch.filter(retry(refusal(401)))
    registered = logging.LogRecord(
        "livekit.agents", logging.INFO, "f", 1, "registered worker", None, None
    )
    assert watch.filter(registered)
    assert watch.filter(retry(refusal(401)))


def test_what_was_said_before_the_start_is_not_said_again() -> None:
    first = retry(OSError("refused"))
    ConnectionWatch(LIVEKIT).filter(first)
    assert not ConnectionWatch(LIVEKIT, said=first.getMessage()).filter(retry(OSError("refused")))


def test_a_lost_connection_is_told() -> None:
    record = retry(None)
    assert ConnectionWatch(LIVEKIT).filter(record)
    assert "was lost: trying again" in record.getMessage()


@pytest.mark.parametrize(
    ("status", "verdict", "word"),
    [
        (401, Verdict.REFUSED, "LIVEKIT_API_SECRET"),
        (403, Verdict.REFUSED, "LIVEKIT_API_KEY"),
        (404, Verdict.REFUSED, "LIVEKIT_URL"),
        (200, Verdict.REFUSED, "is no LiveKit server"),
        (503, Verdict.AWAY, "trying again"),
    ],
)
def test_each_answer_has_its_cure(status: int, verdict: Verdict, word: str) -> None:
    found, sentence = judge(LIVEKIT, status)
    assert found is verdict
    assert word in sentence
    assert "hush" not in sentence


HOUR = 3600.0
HOURS_OF_A_TOKEN = 6


@pytest.mark.parametrize(
    ("ahead_seconds", "said"),
    [
        (HOUR, "60 min ahead of LiveKit's"),
        (-HOUR * (HOURS_OF_A_TOKEN + 1), "420 min behind LiveKit's"),
        (-HOUR, "LIVEKIT_API_SECRET"),
        (30.0, "LIVEKIT_API_SECRET"),
    ],
)
def test_a_refusal_is_the_keys_fault_unless_clocks_are_further_apart_than_tokens_bear(
    ahead_seconds: float, said: str
) -> None:
    error = refusal(401, formatdate(time.time() - ahead_seconds, usegmt=True))
    verdict, sentence = judge_handshake(LIVEKIT, error)
    assert said in sentence
    by_the_clock = "set the clock" in sentence
    # A clock is set by its time service before long: the worker is to be there then.
    assert (verdict is Verdict.AWAY) is by_the_clock


def test_a_clock_that_is_off_is_told_once_however_often_it_is_tried() -> None:
    watch = ConnectionWatch(LIVEKIT)
    now = time.time()
    dates = [formatdate(now - HOUR + second, usegmt=True) for second in (0, 1)]
    assert [watch.filter(retry(refusal(401, date))) for date in dates] == [True, False]


def test_what_is_wrong_is_known_until_the_worker_is_registered() -> None:
    with watching(LIVEKIT, "") as watch:
        logger = logging.getLogger("livekit.agents")
        logger.warning(
            "failed to connect to livekit, retrying in 4s", extra={"error": OSError("refused")}
        )
        assert "cannot be reached (refused)" in watch.said
        logger.warning("registered worker")
        assert watch.said == ""
    assert watch not in logger.filters


def test_workers_register_beside_the_address_whatever_its_scheme_and_path() -> None:
    assert agent_url("https://a/b/") == "wss://a/b/agent"
    assert agent_url("ws://a:1") == "ws://a:1/agent"


async def test_nobody_at_the_address_means_that_livekit_is_away() -> None:
    settings = LIVEKIT.model_copy(update={"url": "ws://127.0.0.1:1"})
    verdict, sentence = await knock(settings)
    assert verdict is Verdict.AWAY
    assert "ws://127.0.0.1:1" in sentence
