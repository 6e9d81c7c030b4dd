"""Ask an API server from within a loop that also carries calls: nothing blocks it."""

import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from kube_api import ApiError, told_of

from callfleet_tools.node.api import Api

_ANSWER_SECONDS = 30.0
_REFUSED = 400
MERGE = "application/merge-patch+json"


class KubeSession:
    """Speaks with one API server as one who may do everything."""

    def __init__(self, http: aiohttp.ClientSession, api: Api) -> None:
        self._http = http
        self._api = api
        self._trusted = ssl.create_default_context(cafile=api.certificate)

    async def ask(
        self, method: str, path: str, body: object = None, content_type: str = "application/json"
    ) -> dict[str, Any]:
        """Ask for a path of the API, and wait for the answer.

        Raises:
            ApiError: the answer is no.
            aiohttp.ClientError: there is none.

        """
        async with self._http.request(
            method,
            self._api.url + path,
            json=body,
            headers={"Authorization": f"Bearer {self._api.token}", "Content-Type": content_type},
            ssl=self._trusted,
            timeout=aiohttp.ClientTimeout(_ANSWER_SECONDS),
        ) as answer:
            told = told_of(await answer.read())
        if answer.status >= _REFUSED:
            raise ApiError(answer.status, told)
        return told

    async def page(self, url: str) -> str:
        """Fetch a page from a pod."""
        async with self._http.get(url, timeout=aiohttp.ClientTimeout(_ANSWER_SECONDS)) as answer:
            return await answer.text()

    async def told(self, url: str) -> dict[str, Any]:
        """Fetch what a pod says of itself as JSON, be it good or bad news."""
        told: dict[str, Any] = json.loads(await self.page(url))
        return told


@contextlib.asynccontextmanager
async def kube_session(api: Api) -> AsyncIterator[KubeSession]:
    """Have a session."""
    async with aiohttp.ClientSession() as http:
        yield KubeSession(http, api)
