"""Follow objects of an API server as they change, and write to it, without standing in the way."""

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
from kube_api import ApiError, KubeApi, told_of

Object = dict[str, Any]

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
_LONGEST_LINE = 2**22
_AGAIN_SECONDS = 0.2


class KubeWatch:
    """One connection pool to an API server, for as long as the block is open."""

    def __init__(self, api: KubeApi, agent: str) -> None:
        self._api, self._agent = api, agent
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            self._api.url,
            headers={**self._api.headers, "User-Agent": self._agent},
            connector=aiohttp.TCPConnector(ssl=self._api.trusted, limit=50),
            timeout=aiohttp.ClientTimeout(total=60),
            read_bufsize=_LONGEST_LINE,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._opened.close()

    @property
    def _opened(self) -> aiohttp.ClientSession:
        assert self._session is not None, "enter the block first"
        return self._session

    async def ask(
        self, method: str, path: str, body: object = None, content_type: str = "application/json"
    ) -> Object:
        """Ask for a path of the API.

        Raises:
            ApiError: the answer is no.

        """
        async with self._opened.request(
            method,
            path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": content_type},
        ) as answer:
            told = told_of(await answer.read())
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise ApiError(answer.status, told)
            return told

    async def follow(self, path: str, selector: str = "") -> AsyncIterator[tuple[bool, Object]]:
        """Give each object of a list at once and whenever it changes; False: it is gone.

        A watch that breaks is begun anew, and what went meanwhile is told then.
        """
        known: dict[str, Object] = {}
        while True:
            try:
                listed = await self.ask("GET", f"{path}?labelSelector={quote(selector)}")
                now = {each["metadata"]["uid"]: each for each in listed["items"]}
                for uid in known.keys() - now.keys():
                    yield False, known[uid]
                for each in now.values():
                    yield True, each
                known = now
                query = {
                    "watch": "true",
                    "labelSelector": selector,
                    "resourceVersion": listed["metadata"]["resourceVersion"],
                }
                async for here, each in self._watch(path, query):
                    known[each["metadata"]["uid"]] = each
                    if not here:
                        del known[each["metadata"]["uid"]]
                    yield here, each
            except (aiohttp.ClientError, TimeoutError, ApiError):
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _watch(self, path: str, query: dict[str, str]) -> AsyncIterator[tuple[bool, Object]]:
        forever = aiohttp.ClientTimeout(total=None)
        async with self._opened.get(path, params=query, timeout=forever) as answer:
            if answer.status != HTTPStatus.OK:
                raise ApiError(answer.status, told_of(await answer.read()))
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise ApiError(HTTPStatus.GONE, event["object"])
                yield event["type"] != "DELETED", event["object"]
