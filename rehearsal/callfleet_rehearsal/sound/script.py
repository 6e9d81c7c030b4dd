"""What callers and agents say, and in which voices: the source of every clip. Data only."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a clip is for."""

    CALLER = "caller"
    SPLIT_A = "split_a"
    SPLIT_B = "split_b"
    AGENT = "agent"
    GREETING = "greeting"
    APOLOGY = "apology"
    GOODBYE = "goodbye"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class Line:
    """One clip: what is said, by which voice of the speech engine, at how many words a minute."""

    name: str
    role: Role
    text: str
    voice: str
    pace: int = 175


ENGINE = "espeak-ng"
ENGINE_VERSION = "1.51"
RATE = 16000
_CALLERS = ("en-gb+m3", "en-us+f2", "en-gb-scotland+m1", "en-gb-x-rp+f3", "en-us+m7", "en-029+f4")
_AGENT = "en-us+f3"

_ASKED = (
    "When will my order arrive tomorrow?",
    "I would like to know where my parcel is now.",
    "Can you tell me the price of the blue chair?",
    "Please read me the number of my invoice again.",
    "Is the shop in Bristol open on Sunday morning?",
    "My new lamp is broken and I need another one.",
    "How long does it take to send it to Aberdeen?",
    "I want to move the delivery to Friday evening.",
    "Could you repeat the last thing you told me now?",
    "Do you have the same table in a lighter colour?",
    "I have paid for it twice on the same day.",
    "Who can I call when the driver is at my door?",
    "My name is Alan Moore and I live in Leeds now.",
    "Tell me how I can return a pair of shoes by mail.",
    "What is the warranty on a washing machine?",
    "The number on the label is four nine seven one.",
)

_SPLIT = (
    ("I would like to order,", "two of the green ones in a large."),
    ("My order number is,", "seven three one zero nine."),
    ("Could you send it to,", "my office in Manchester by Monday?"),
    ("I was calling about a,", "delivery that never came to my home."),
    ("The thing that I really,", "need to know is when you can come."),
    ("On Wednesday morning I,", "spoke to a colleague of yours by phone."),
    ("Please move it from Monday,", "to Tuesday in the early morning."),
    ("If the blue one is gone,", "I would rather have the yellow one."),
)

_ANSWERED = (
    "Certainly. Your order is already on its way.",
    "Let me see. It will be with you on Thursday at noon.",
    "I have found it. The chair is forty nine pounds.",
    "No problem at all. I have moved it to Friday.",
    "I am glad you called. We will send you a new lamp.",
    "The shop is open on Sunday from ten until four.",
    "It takes two days, and a day more to the islands.",
    "Your invoice number is seven seven one.",
    "You can bring them to any shop of ours in town.",
    "The warranty is two years, or more for a small fee.",
    "I have sent the number of the driver to your phone.",
    "Yes, we have that table in oak and in pine.",
)

LINES: tuple[Line, ...] = (
    *(
        Line(f"caller_{i:02d}", Role.CALLER, text, _CALLERS[i % len(_CALLERS)])
        for i, text in enumerate(_ASKED)
    ),
    *(
        Line(f"split_{i:02d}{part}", role, text, _CALLERS[i % len(_CALLERS)])
        for i, pair in enumerate(_SPLIT)
        for part, role, text in zip("ab", (Role.SPLIT_A, Role.SPLIT_B), pair, strict=True)
    ),
    *(Line(f"agent_{i:02d}", Role.AGENT, text, _AGENT, 185) for i, text in enumerate(_ANSWERED)),
    Line("greeting", Role.GREETING, "Hello, how may I help you today?", _AGENT),
)

WORKER_LINES: tuple[Line, ...] = (
    Line(
        "apology",
        Role.APOLOGY,
        "I am sorry, I am having trouble right now. Please stay on the line.",
        _AGENT,
    ),
    Line("transfer", Role.TRANSFER, "I am putting you through to a colleague now.", _AGENT),
    Line(
        "goodbye",
        Role.GOODBYE,
        "I am sorry, I can not go on with this call. Please call again later. Goodbye for now.",
        _AGENT,
    ),
)
"""What a worker plays by itself when no model is left to speak."""
