"""The little of SDP that an audio caller offers and reads (RFC 8866, 8829). Pure."""

from dataclasses import dataclass

OPUS_PAYLOAD_TYPE = 111
_CANDIDATE_PARTS = 8
"""What a candidate has at least: up to the word "typ" and what it is of."""


@dataclass(frozen=True, slots=True)
class LocalIce:
    """What the other side must know to reach us."""

    ufrag: str
    password: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Section:
    """One media section of ours: a stream we send (``track``) or are ready to receive.

    A section keeps its place for ever; one that is no longer used turns inactive.
    """

    mid: str
    track: str = ""
    ssrc: int = 0
    inactive: bool = False

    @property
    def direction(self) -> str:
        """The direction, from our side."""
        if self.inactive:
            return "inactive"
        return "sendonly" if self.track else "recvonly"


@dataclass(frozen=True, slots=True)
class RemoteSection:
    """One media section of theirs: its stream's sender (``stream``), where there is one."""

    mid: str
    direction: str
    stream: str
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RemoteDescription:
    """What the other side answered."""

    ufrag: str
    password: str
    fingerprint: str
    dtls_passive: bool
    candidates: tuple[str, ...]
    sections: tuple[RemoteSection, ...]


class UnusableAnswerError(ValueError):
    """The answer lacks what a media connection needs."""


def offer(local: LocalIce, sections: tuple[Section, ...], version: int) -> str:
    """Write an offer of all sections on one transport."""
    lines = [
        "v=0",
        f"o=- 4611731400430051336 {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(section.mid for section in sections),
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS *",
    ]
    for section in sections:
        lines += _section_lines(local, section)
    return "\r\n".join(lines) + "\r\n"


def _section_lines(local: LocalIce, section: Section) -> list[str]:
    lines = [
        f"m=audio 9 UDP/TLS/RTP/SAVPF {OPUS_PAYLOAD_TYPE}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        "a=ice-options:trickle",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        "a=setup:actpass",
        f"a=mid:{section.mid}",
        f"a={section.direction}",
        "a=rtcp-mux",
        f"a=rtpmap:{OPUS_PAYLOAD_TYPE} opus/48000/2",
        f"a=fmtp:{OPUS_PAYLOAD_TYPE} minptime=10;useinbandfec=1",
    ]
    if section.track and not section.inactive:
        lines += [
            f"a=msid:- {section.track}",
            f"a=ssrc:{section.ssrc} cname:caller",
            f"a=ssrc:{section.ssrc} msid:- {section.track}",
        ]
    return lines


def parse_answer(text: str) -> RemoteDescription:
    """Read an answer.

    Raises:
        UnusableAnswerError: credentials or fingerprint are missing.

    """
    blocks = text.replace("\r\n", "\n").split("\nm=")
    attributes = [_attributes(block) for block in blocks]
    everything = [pair for block in attributes for pair in block]

    def first(name: str) -> str:
        for key, value in everything:
            if key == name:
                return value
        message = f"the SFU's answer has no a={name} line: is it a LiveKit server's answer?"
        raise UnusableAnswerError(message)

    return RemoteDescription(
        ufrag=first("ice-ufrag"),
        password=first("ice-pwd"),
        fingerprint=first("fingerprint").partition(" ")[2].upper(),
        dtls_passive=first("setup") == "passive",
        candidates=tuple(value for key, value in everything if key == "candidate"),
        sections=tuple(_remote_section(block) for block in attributes[1:]),
    )


def _attributes(block: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for line in block.split("\n"):
        if line.startswith("a="):
            name, _, value = line[2:].strip().partition(":")
            pairs.append((name, value))
    return pairs


def _remote_section(attributes: list[tuple[str, str]]) -> RemoteSection:
    names = {"sendrecv", "sendonly", "recvonly", "inactive"}
    direction = next((name for name, _ in attributes if name in names), "sendrecv")
    ssrcs = (int(value.split(" ")[0]) for name, value in attributes if name == "ssrc")
    return RemoteSection(
        mid=next((value for name, value in attributes if name == "mid"), ""),
        direction=direction,
        stream=next((value.split(" ")[0] for name, value in attributes if name == "msid"), ""),
        ssrcs=tuple(dict.fromkeys(ssrcs)),
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """Where the other side may be reached."""

    protocol: str
    host: str
    port: int
    priority: int


def parse_candidate(line: str) -> Candidate | None:
    """Read a candidate line (with or without ``candidate:``); None where it cannot be used."""
    parts = line.removeprefix("a=").removeprefix("candidate:").split()
    if len(parts) < _CANDIDATE_PARTS or not (parts[3].isdigit() and parts[5].isdigit()):
        return None
    return Candidate(parts[2].lower(), parts[4], int(parts[5]), int(parts[3]))
