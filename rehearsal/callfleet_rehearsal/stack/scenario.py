"""What a rehearsal's callers do: a mix of turns by seed, with samples for every objective."""

import itertools
import random

from callfleet_rehearsal.evidence import TurnKind

# Of six turns three are plain; the others each test one promise of their own.
_MIX = (
    TurnKind.PLAIN,
    TurnKind.PAUSE,
    TurnKind.BARGE_IN,
    TurnKind.PLAIN,
    TurnKind.TOOL,
    TurnKind.PLAIN,
)


def turn_kinds(calls: int, turns: int, seed: int) -> tuple[tuple[TurnKind, ...], ...]:
    """Give the kinds of each call's turns.

    Calls take the mix at different places, so that short rehearsals have every kind as well. The
    last turn is never a barge-in, which needs a turn after it.
    """
    chance = random.Random(seed)
    return tuple(_kinds_of_call(call, turns, chance) for call in range(calls))


def _kinds_of_call(call: int, turns: int, chance: random.Random) -> tuple[TurnKind, ...]:
    place = call * turns if turns < len(_MIX) else 0
    kinds = list(itertools.islice(itertools.cycle(_MIX), place, place + turns))
    chance.shuffle(kinds)
    others = [index for index, kind in enumerate(kinds) if kind is not TurnKind.BARGE_IN]
    if kinds[-1] is TurnKind.BARGE_IN:
        if not others:
            return (*kinds[:-1], TurnKind.PLAIN)
        swap = others[-1]
        kinds[-1], kinds[swap] = kinds[swap], kinds[-1]
    return tuple(kinds)
