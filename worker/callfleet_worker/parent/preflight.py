"""Find out before anything is started whether LiveKit will have this worker."""

import asyncio
import time
from enum import StrEnum
from urllib.parse import urlparse

import aiohttp
from livekit import api
from livekit.api.access_token import DEFAULT_TTL

from callfleet_service.clocks import in_words, skew_seconds
from callfleet_service.errors import CannotStartError
from callfleet_worker.parent.server import proxy_for
from callfleet_worker.settings import LivekitSettings

_TIMEOUT_SECONDS = 5.0
_REFUSALS = (401, 403)
_FIRST_SERVER_ERROR = 500
_BORNE_SECONDS = 58.0
"""LiveKit bears a minute between its clock and that of a token, and dates have whole seconds."""


class Verdict(StrEnum):
    """What LiveKit said."""

    WELCOME = "welcome"
    REFUSED = "refused"
    AWAY = "away"


class RefusedError(CannotStartError):
    """LiveKit answered, and will not have this worker: trying again would not help."""


def agent_url(url: str) -> str:
    """Return the address at which workers register."""
    parts = urlparse(url)
    scheme = parts.scheme.replace("http", "ws", 1)
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}/agent"


def judge(
    settings: LivekitSettings, status: int, clock_ahead_seconds: float = 0.0
) -> tuple[Verdict, str]:
    """Say what a status means for the registration, and what to do.

    ``clock_ahead_seconds`` is how far this worker's clock is ahead of LiveKit's.
    """
    if status in _REFUSALS and _is_out_of_date(clock_ahead_seconds):
        where = "ahead of" if clock_ahead_seconds > 0 else "behind"
        return Verdict.AWAY, (
            f"LiveKit at {settings.url} refuses this worker (HTTP {status}), whose clock is "
            f"{in_words(abs(clock_ahead_seconds))} {where} LiveKit's: what it signs is dated, so "
            "no API key helps; set the clock of this worker's machine, or LiveKit's (see to its "
            "time service: `chronyc makestep`): trying again"
        )
    if status in _REFUSALS:
        return Verdict.REFUSED, (
            f"LiveKit at {settings.url} refuses the API key {settings.api_key!r} or its secret "
            f"(HTTP {status}): set LIVEKIT_API_KEY and LIVEKIT_API_SECRET to a pair from its "
            "configuration (keys:)"
        )
    if status >= _FIRST_SERVER_ERROR:
        return Verdict.AWAY, f"LiveKit at {settings.url} is not well (HTTP {status}): trying again"
    return Verdict.REFUSED, (
        f"what answers at {settings.url} is no LiveKit server (HTTP {status}): set LIVEKIT_URL to "
        "the address of one, for example ws://127.0.0.1:7880"
    )


def away(settings: LivekitSettings, error: BaseException) -> str:
    """Say that LiveKit cannot be reached, and that the worker goes on trying."""
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return (
        f"LiveKit at {settings.url} cannot be reached ({why}): trying again until it can; if it "
        "never does, check LIVEKIT_URL and the network"
    )


def judge_handshake(
    settings: LivekitSettings, error: aiohttp.WSServerHandshakeError
) -> tuple[Verdict, str]:
    """Say what LiveKit's answer in place of a connection means, which has just come."""
    now = time.time()
    date = error.headers.get("Date", "") if error.headers else ""
    return judge(settings, error.status, -skew_seconds(now, now, date))


async def knock(settings: LivekitSettings) -> tuple[Verdict, str]:
    """Connect as a worker does, and hang up before registering."""
    secret = settings.api_secret.get_secret_value()
    token = api.AccessToken(settings.api_key, secret)
    token = token.with_grants(api.VideoGrants(agent=True))
    headers = {"Authorization": f"Bearer {token.to_jwt()}"}
    try:
        async with (
            asyncio.timeout(_TIMEOUT_SECONDS),
            aiohttp.ClientSession() as session,
            session.ws_connect(
                agent_url(settings.url), headers=headers, proxy=proxy_for(settings.url)
            ),
        ):
            return Verdict.WELCOME, ""
    except aiohttp.WSServerHandshakeError as error:
        return judge_handshake(settings, error)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return Verdict.AWAY, away(settings, error)


def _is_out_of_date(ahead_seconds: float) -> bool:
    """Whether what is signed by this clock is not valid yet, or no longer, by LiveKit's."""
    lasts = DEFAULT_TTL.total_seconds()
    return ahead_seconds > _BORNE_SECONDS or -ahead_seconds > lasts + _BORNE_SECONDS
