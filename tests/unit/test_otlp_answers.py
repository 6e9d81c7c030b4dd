"""Whatever a collector answers over HTTP, a batch has its time, and an answer its length."""

import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus

import pytest
from sending_stand import Lost, started, tell, until
from urllib3 import connection_from_url
from urllib3.exceptions import HTTPError

from callfleet_service.otlp.intime import put_in_time
from callfleet_service.otlp.sending import Limits

SECONDS = 1.0
LIMITS = Limits(send_seconds=SECONDS, waiting=20, batch=5, every_seconds=0.05, stop_seconds=20)
OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = b"Content-Length: 0\r\n\r\n"


@pytest.fixture
def lost() -> Lost:
    return Lost()


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Give a name addresses, of which so many take no connection and none refuses one."""
    resolve = socket.getaddrinfo
    with ExitStack() as held:
        full = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            one = held.enter_context(socket.socket())
            one.settimeout(0)
            one.connect_ex(full.getsockname())
        at_nobody = resolve(*full.getsockname(), type=socket.SOCK_STREAM)

        def give(times: int, *, before: bool = False) -> None:
            last = resolve if before else lambda *_, **__: []
            monkeypatch.setattr(
                "socket.getaddrinfo", lambda *a, **k: at_nobody * times + last(*a, **k)
            )

        yield give


@contextmanager
def collector(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Answer each request, on as many connections as there are, byte by byte as a test has it."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while _request(connection):
                answer(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=listening.accept()[:1], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def _request(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        if not (part := connection.recv(65536)):
            return b""
        head += part
    head, _, body = head.partition(b"\r\n\r\n")
    (length,) = (int(line[15:]) for line in head.split(b"\r\n") if line[:15] == b"Content-Length:")
    while len(body) < length:
        body += connection.recv(65536)
    return head


def _drips(connection: socket.socket) -> None:
    connection.sendall(OK + b"Content-Length: 1000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b" ")
        time.sleep(SECONDS / 5)


def _drips_its_headers(connection: socket.socket) -> None:
    connection.sendall(OK + b"X-Slow: ")
    for _ in range(1000):
        connection.sendall(b"x")
        time.sleep(SECONDS / 5)


def _drips_in_chunks(connection: socket.socket) -> None:
    connection.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b"1\r\n \r\n")
        time.sleep(SECONDS / 5)


def _never_ends(connection: socket.socket) -> None:
    connection.sendall(OK + b"\r\n")
    while True:
        connection.sendall(bytes(65536))


def _breaks_off(connection: socket.socket) -> None:
    connection.sendall(OK + b"Content-Length: 1000\r\n\r\n{")
    connection.close()


def gives_up_in_time(url: str, lost: Lost) -> None:
    """Have three spans sent to where nothing is taken; ten times the time is leave enough."""
    sending = started(url, lost, LIMITS)
    tell(sending, 3)
    began = time.monotonic()
    until(lambda: bool(lost))
    assert time.monotonic() - began < 10 * SECONDS
    sending.stop()
    assert lost == {("traces", "unreachable"): 3}


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"308 Permanent", b"304 Same"])
def test_who_sends_elsewhere_has_not_taken_anything(lost: Lost, status: bytes) -> None:
    elsewhere = b"HTTP/1.1 " + status + b"\r\nLocation: http://127.0.0.1:1/login\r\n" + EMPTY
    with collector(lambda connection: connection.sendall(elsewhere)) as url:
        sending = started(url, lost, LIMITS)
        tell(sending, 3)
        sending.stop()
    assert lost == {("traces", "refused"): 3}


@pytest.mark.parametrize("drips", [_drips_its_headers, _drips, _drips_in_chunks])
def test_an_answer_that_comes_byte_by_byte_has_no_more_time_than_others(
    lost: Lost, drips: Callable[[socket.socket], None]
) -> None:
    with collector(drips) as url:
        gives_up_in_time(url, lost)


def test_addresses_where_nobody_answers_have_no_more_time_than_one(
    lost: Lost, nobody: Callable[..., None]
) -> None:
    nobody(30)
    gives_up_in_time("http://127.0.0.1:1", lost)


def test_an_address_where_nobody_answers_leaves_time_for_the_next(
    lost: Lost, nobody: Callable[..., None]
) -> None:
    taken: list[socket.socket] = []

    def take(connection: socket.socket) -> None:
        taken.append(connection)
        connection.sendall(OK + EMPTY)

    with collector(take) as url:
        nobody(1, before=True)
        sending = started(url, lost, LIMITS)
        tell(sending, 3)
        sending.stop()
    assert len(taken) == 1
    assert not lost


def test_who_reads_no_more_after_an_answer_has_no_more_time_than_is_left() -> None:
    until, let_go = time.monotonic() + SECONDS, threading.Event()

    def left() -> float:
        if (seconds := until - time.monotonic()) <= 0:
            raise TimeoutError
        return seconds

    def answer(connection: socket.socket) -> None:
        connection.sendall(OK + EMPTY)
        let_go.wait()

    with collector(answer) as url:
        pool = connection_from_url(url, timeout=30 * SECONDS, retries=False)
        put_in_time(pool, left)
        assert pool.urlopen("POST", "/").status == HTTPStatus.OK
        with pytest.raises(HTTPError):
            pool.urlopen("POST", "/", bytes(50_000_000))
        let_go.set()
    assert time.monotonic() < until + 10 * SECONDS


def test_an_answer_without_end_is_not_kept(lost: Lost) -> None:
    with collector(_never_ends) as url:
        tracemalloc.start()
        sending = started(url, lost, LIMITS)
        tell(sending, 3)
        sending.stop()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 10e6
    assert not lost, "it said yes, and then went on"


def test_a_collector_that_dies_while_it_answers_is_unreachable(lost: Lost) -> None:
    with collector(_breaks_off) as url:
        sending = started(url, lost, LIMITS)
        tell(sending, 3)
        sending.stop()
    assert lost == {("traces", "unreachable"): 3}


def test_a_clock_that_is_set_back_gives_a_collector_no_more_time(
    lost: Lost, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, set_back = time.time, threading.Event()

    def hangs(_: socket.socket) -> None:
        set_back.set()
        time.sleep(60)

    hour = lambda: real() - 3600 * set_back.is_set()  # noqa: E731 - a clock
    monkeypatch.setattr("time.time", hour)
    with collector(hangs) as url:
        sending = started(url, lost, LIMITS)
        tell(sending, 3)
        until(lambda: bool(lost))
        sending.stop()
    assert lost == {("traces", "unreachable"): 3}


@pytest.mark.parametrize(
    "answer", [OK + EMPTY, OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"]
)
def test_a_connection_serves_for_one_batch_after_another(lost: Lost, answer: bytes) -> None:
    served: list[socket.socket] = []

    def take(connection: socket.socket) -> None:
        served.append(connection)
        connection.sendall(answer)

    with collector(take) as url:
        sending = started(url, lost, LIMITS)
        for batch in (1, 2, 3):
            tell(sending, 1)
            until(lambda batch=batch: len(served) == batch)
        sending.stop()
    assert len(set(served)) == 1
    assert not lost
