"""Speak with an API server as plainly as can be: paths and dictionaries, and errors that tell."""

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_ANSWER_SECONDS = 60.0


class ApiError(Exception):
    """The API server said no: its status, its reason, and its sentence."""

    def __init__(self, status: int, told: Mapping[str, Any]) -> None:
        super().__init__(f"{status}: {told.get('message', told)}")
        self.status = status
        self.reason = str(told.get("reason", ""))
        self.message = str(told.get("message", ""))


@dataclass(frozen=True)
class KubeApi:
    """Where an API server is, and how to speak with it as one who may do everything."""

    url: str
    token: str = field(repr=False)
    ca_file: Path

    @property
    def headers(self) -> dict[str, str]:
        """What every request has to say."""
        return {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}

    @property
    def trusted(self) -> ssl.SSLContext:
        """Whose certificate is believed."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """Ask for a path of the API, and wait for the answer.

        Raises:
            ApiError: the answer is no.

        """
        request = urllib.request.Request(  # noqa: S310 - our own https URL
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={**self.headers, "Content-Type": content_type},
        )
        try:
            with urllib.request.urlopen(  # noqa: S310 - as above
                request, timeout=_ANSWER_SECONDS, context=self.trusted
            ) as answer:
                told: dict[str, Any] = json.load(answer)
                return told
        except urllib.error.HTTPError as error:
            with error:
                raise ApiError(error.code, told_of(error.read())) from error

    def merge(self, path: str, change: object) -> dict[str, Any]:
        """Change an object by a merge patch."""
        return self.ask("PATCH", path, change, "application/merge-patch+json")


def told_of(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {"message": body.decode(errors="replace")}


def wait_until(holds: Callable[[], bool], seconds: float = 90.0) -> None:
    """Look again and again until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.1)
