"""A program to be run as a container in tests of the stand-in: serves its health, and tells all.

It answers ``/environment`` with its environment, ``/mind?well=no`` and ``/mind?ready=no`` change
what its probes are told, ``/exit?code=3`` ends it. SIGTERM ends it after STOP_SECONDS, and is told
by ``/environment`` from then on as TOLD_TO_STOP.
"""

import json
import os
import signal
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

_MIND = {"well": "yes", "ready": os.environ.get("READY", "yes")}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        told = dict(parse_qsl(asked.query))
        if asked.path == "/exit":
            os._exit(int(told["code"]))
        if asked.path == "/mind":
            _MIND.update(told)
        good = _MIND.get(asked.path.removeprefix("/"), "yes") == "yes"
        body = json.dumps(dict(os.environ)).encode()
        self.send_response(HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _stop(*_: object) -> None:
    os.environ["TOLD_TO_STOP"] = "yes"
    seconds = float(os.environ.get("STOP_SECONDS", "0"))
    threading.Thread(target=lambda: (time.sleep(seconds), os._exit(0))).start()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    ThreadingHTTPServer((os.environ["HOST"], 8081), _Handler).serve_forever()
