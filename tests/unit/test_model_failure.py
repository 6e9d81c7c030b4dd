"""Why a model could not be reached, and what a call tries next."""

import pytest
from google.auth.exceptions import DefaultCredentialsError, TransportError
from google.genai.errors import APIError
from livekit.agents import APIConnectionError
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.frames import Close
from websockets.http11 import Response

from callfleet_contract.outcomes import CallReason
from callfleet_worker.model.failure import Failure, Refusal, call_reason, failure_of, refusal_of
from callfleet_worker.model.roster import COOLDOWN_SECONDS, Roster, candidates
from callfleet_worker.upstream.gemini import SetupStalledError, seconds_left


def refused_upgrade(status: int) -> InvalidStatus:
    return InvalidStatus(Response(status, "", Headers(), b""))


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (refused_upgrade(401), Refusal.KEY),
        (refused_upgrade(403), Refusal.KEY),
        (refused_upgrade(429), Refusal.QUOTA),
        (refused_upgrade(503), Refusal.UNREACHABLE),
        (APIError(1007, "API key not valid. Please pass a valid API key."), Refusal.KEY),
        (APIError(1008, "Method doesn't allow unregistered callers"), Refusal.KEY),
        (APIError(1007, "Request contains an invalid argument."), Refusal.REQUEST),
        (APIError(1008, "Requested entity was not found."), Refusal.REQUEST),
        (APIError(1011, "RESOURCE_EXHAUSTED: Maximum concurrent se"), Refusal.QUOTA),
        (APIError(1011, "Internal error encountered."), Refusal.UNREACHABLE),
        (ConnectionClosedError(Close(1008, "API key expired"), None), Refusal.KEY),
        (ConnectionClosedError(None, None), Refusal.UNREACHABLE),
        (DefaultCredentialsError("not found"), Refusal.KEY),
        (TransportError("no route to the token server"), Refusal.UNREACHABLE),
        (SetupStalledError("did not complete its set-up in 3 s"), Refusal.UNREACHABLE),
        (ConnectionRefusedError(111, "Connect call failed"), Refusal.UNREACHABLE),
        (OSError("[Errno -2] Name or service not known"), Refusal.UNREACHABLE),
    ],
)
def test_what_the_models_end_said_is_classified(error: Exception, refusal: Refusal) -> None:
    assert refusal_of(error) is refusal


def test_the_cause_inside_the_frameworks_error_is_found() -> None:
    outer = APIConnectionError("Failed to connect to Gemini Live")
    outer.__cause__ = refused_upgrade(403)
    assert failure_of("m with key 1", outer) == Failure(
        "m with key 1", Refusal.KEY, "APIConnectionError 403"
    )


def test_a_failure_repeats_nothing_that_the_error_said() -> None:
    failure = failure_of("m with key 1", APIError(1007, "API key sk-secret not valid"))
    assert "sk-secret" not in repr(failure)


def test_only_refused_keys_make_a_refused_key_the_reason() -> None:
    key = Failure("a", Refusal.KEY, "")
    quota = Failure("b", Refusal.QUOTA, "")
    assert call_reason((key, key)) is CallReason.MODEL_REFUSED_KEY
    assert call_reason((key, quota)) is CallReason.MODEL_UNAVAILABLE
    assert call_reason(()) is CallReason.MODEL_UNAVAILABLE


def test_the_preferred_model_is_tried_with_every_key_before_the_next() -> None:
    ways = candidates(("first", "second"), 2)
    assert [(way.model, way.key) for way in ways] == [
        ("first", 0),
        ("first", 1),
        ("second", 0),
        ("second", 1),
    ]


def test_a_refused_key_is_not_tried_again_with_any_model() -> None:
    roster = Roster(candidates(("first", "second"), 2))
    roster.fail(roster.ways[0], Refusal.KEY, now=0.0)
    assert roster.pick(1e9) == roster.ways[1]
    roster.fail(roster.ways[1], Refusal.UNREACHABLE, now=1e9)
    assert roster.pick(1e9) == roster.ways[3]


def test_a_refused_model_is_not_tried_again_with_any_key() -> None:
    roster = Roster(candidates(("first", "second"), 2))
    roster.fail(roster.ways[0], Refusal.REQUEST, now=0.0)
    assert roster.pick(1e9) == roster.ways[2]


def test_a_model_that_was_away_is_preferred_again_after_a_while() -> None:
    roster = Roster(candidates(("first", "second"), 1))
    roster.fail(roster.ways[0], Refusal.UNREACHABLE, now=100.0)
    assert roster.pick(100.0) == roster.ways[1]
    assert roster.pick(100.0 + COOLDOWN_SECONDS) == roster.ways[0]


def test_when_every_way_has_failed_nothing_is_left() -> None:
    roster = Roster(candidates(("first",), 2))
    for way in roster.ways:
        roster.fail(way, Refusal.QUOTA, now=0.0)
    assert roster.pick(1.0) is None


@pytest.mark.parametrize(
    ("written", "seconds"), [("50s", 50.0), ("9.5s", 9.5), (None, 0.0), ("soon", 0.0), ("-3s", 0.0)]
)
def test_the_time_that_go_away_leaves_is_read(written: str | None, seconds: float) -> None:
    assert seconds_left(written) == seconds
