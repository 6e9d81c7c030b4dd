"""Speak with a cluster's API server as one who may do everything."""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Api:
    """How to reach it: what a kubeconfig says."""

    url: str
    certificate: Path
    token: str

    @classmethod
    def of(cls, kubeconfig: Path) -> "Api":
        """Read one of our kubeconfigs."""
        content = json.loads(kubeconfig.read_text(encoding="utf-8"))
        server = content["clusters"][0]["cluster"]
        token = content["users"][0]["user"]["token"]
        return cls(server["server"], Path(server["certificate-authority"]), token)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask for something, and give what the answer says.

        Raises:
            OSError: nobody answers, or the answer is a refusal (urllib.error.HTTPError).

        """
        request = urllib.request.Request(  # noqa: S310 - the address is our own cluster's
            self.url + path,
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        context = ssl.create_default_context(cafile=self.certificate)
        direct = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with direct.open(request, timeout=_ANSWER_SECONDS) as answer:
            text = answer.read().decode()
        return json.loads(text) if text.startswith("{") else text

    def gives(self, path: str) -> bool:
        """Say whether that is there, and can be had now."""
        try:
            self.ask("GET", path)
        except OSError:
            return False
        return True


def answers(url: str) -> bool:
    """Say whether a page is served there, whatever it says."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=1.0) as answer:
            return bool(answer.status < 400)  # noqa: PLR2004 - where HTTP's errors begin
    except OSError:
        return False
