"""ICE for one fixed path (RFC 8445): we control, nominate it at once, keep consent. No socket."""

import secrets
import string

from aioice import stun

_PRIORITY_OF_HOST = 126 << 24 | 65535 << 8 | 255
_ALPHABET = string.ascii_letters + string.digits
_REMEMBERED_CHECKS = 400
"""Those of 20 s: a server that has other things to do may answer late."""


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def is_stun(datagram: bytes) -> bool:
    """Tell STUN from DTLS, RTP and RTCP (RFC 7983)."""
    return len(datagram) >= stun.HEADER_LENGTH and datagram[0] < 4  # noqa: PLR2004 - as there


class Ice:
    """Connectivity checks of one path: makes ours, answers theirs, knows the round trip."""

    def __init__(self) -> None:
        self.ufrag = _random_text(4)
        self.password = _random_text(24)
        self.round_trips: list[float] = []
        self.answered_ns = 0
        self._tie_breaker = secrets.randbits(64)
        self._remote_ufrag = ""
        self._remote_key = b""
        self._sent: dict[bytes, int] = {}

    @property
    def nominated(self) -> bool:
        """Whether the other side has answered a check."""
        return self.answered_ns > 0

    def meet(self, ufrag: str, password: str) -> None:
        """Learn the other side's credentials."""
        self._remote_ufrag = ufrag
        self._remote_key = password.encode()

    def check(self, now_ns: int) -> bytes:
        """Make a check that nominates the path and renews consent."""
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes = {
            "USERNAME": f"{self._remote_ufrag}:{self.ufrag}",
            "PRIORITY": _PRIORITY_OF_HOST,
            "ICE-CONTROLLING": self._tie_breaker,
            "USE-CANDIDATE": None,
        }
        request.add_message_integrity(self._remote_key)
        self._sent[request.transaction_id] = now_ns
        while len(self._sent) > _REMEMBERED_CHECKS:
            del self._sent[next(iter(self._sent))]
        return bytes(request)

    def receive(self, datagram: bytes, source: tuple[str, int], arrived_ns: int) -> bytes | None:
        """Take in a STUN message and return the answer to send, where it asks for one."""
        try:
            message = stun.parse_message(datagram)
        except ValueError:
            return None
        if message.message_class is stun.Class.REQUEST:
            return self._answer(message, source)
        if message.message_class is stun.Class.RESPONSE:
            self._note_answer(message, arrived_ns)
        return None

    def _answer(self, request: stun.Message, source: tuple[str, int]) -> bytes | None:
        key = self.password.encode()
        if not request.check_message_integrity(key):
            return None
        response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id)
        response.attributes = {"XOR-MAPPED-ADDRESS": source}
        response.add_message_integrity(key)
        return bytes(response)

    def _note_answer(self, response: stun.Message, arrived_ns: int) -> None:
        sent_ns = self._sent.pop(response.transaction_id, None)
        if sent_ns is None or not response.check_message_integrity(self._remote_key):
            return
        self.answered_ns = arrived_ns
        self.round_trips.append((arrived_ns - sent_ns) / 1e9)
