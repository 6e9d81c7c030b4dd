"""Count tokens as they are billed: the whole context again in every turn. Pure.

Sound is 25 tokens a second. With a sliding window the oldest turns fall out when a turn would
start above the trigger, until the target is met; what the setup said always stays.
"""

from dataclasses import dataclass, replace

AUDIO_TOKENS_PER_SECOND = 25


@dataclass(frozen=True, slots=True)
class TurnTokens:
    """What one turn left in the context."""

    audio_in: int
    text_in: int
    audio_out: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.audio_in + self.text_in + self.audio_out


@dataclass(frozen=True, slots=True)
class Usage:
    """One usage snapshot. Each is billed."""

    prompt_audio: int
    prompt_text: int
    response_audio: int

    @property
    def prompt(self) -> int:
        """Tokens of the whole context before the reply."""
        return self.prompt_audio + self.prompt_text

    @property
    def total(self) -> int:
        """Prompt and reply."""
        return self.prompt + self.response_audio


def times(usage: Usage, factor: int) -> Usage:
    """Bill so many times the tokens."""
    return Usage(
        usage.prompt_audio * factor, usage.prompt_text * factor, usage.response_audio * factor
    )


@dataclass(frozen=True, slots=True)
class Ledger:
    """The context of a session."""

    preamble: int
    trigger: int = 0
    target: int = 0
    turns: tuple[TurnTokens, ...] = ()
    waiting_text: int = 0

    @property
    def context(self) -> int:
        """Tokens that the next turn's prompt starts from."""
        return self.preamble + self.waiting_text + sum(turn.total for turn in self.turns)


def audio_tokens(seconds: float) -> int:
    """Tokens of so much sound."""
    return round(seconds * AUDIO_TOKENS_PER_SECOND)


def append_text(ledger: Ledger, tokens: int) -> Ledger:
    """Add text that the next turn will read."""
    return replace(ledger, waiting_text=ledger.waiting_text + tokens)


def compress(ledger: Ledger) -> Ledger:
    """Drop the oldest turns if the context has reached the trigger."""
    if not ledger.trigger or ledger.context < ledger.trigger:
        return ledger
    turns = ledger.turns
    while turns and replace(ledger, turns=turns).context > ledger.target:
        turns = turns[1:]
    return replace(ledger, turns=turns)


def charge(ledger: Ledger, heard_seconds: float, spoken_seconds: float) -> tuple[Ledger, Usage]:
    """Bill one turn: what was heard and said in it, and everything before it once more."""
    before = compress(ledger)
    turn = TurnTokens(
        audio_in=audio_tokens(heard_seconds),
        text_in=before.waiting_text,
        audio_out=audio_tokens(spoken_seconds),
    )
    held_audio = sum(each.audio_in + each.audio_out for each in before.turns)
    held_text = sum(each.text_in for each in before.turns)
    usage = Usage(
        prompt_audio=held_audio + turn.audio_in,
        prompt_text=before.preamble + held_text + turn.text_in,
        response_audio=turn.audio_out,
    )
    return replace(before, turns=(*before.turns, turn), waiting_text=0), usage
