"""Sixteen bits as six tones of sixteen, so that any one of them may be lost. Pure.

A Reed-Solomon code over GF(16), by evaluation: the four data symbols are the coefficients of a
polynomial, the six sent symbols its values at six points. Two words differ in three places at
least, so two lost symbols can be restored, or a stray word be told from a sent one.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

SYMBOLS = 6
COSETS = ((0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 1, 2))
"""What is added to the tones of callers and of agents, so that one never reads as the other:
their words differ in two places at least."""
TONES = 16
_WORDS = 1 << 16
_PRIMITIVE = 0b10011
"""x^4 + x + 1, which makes GF(16)."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The word that fits best. ``score`` is 6 where every tone was pure, ``lead`` over the next."""

    word: int
    score: float
    lead: float


@cache
def _codewords() -> NDArray[np.uint8]:
    """All words' symbols: row ``word`` holds the six tones that stand for it."""
    exponents = [1]
    for _ in range(TONES - 2):
        doubled = exponents[-1] << 1
        exponents.append(doubled ^ _PRIMITIVE if doubled & TONES else doubled)
    logarithms = {value: power for power, value in enumerate(exponents)}
    product = np.zeros((TONES, TONES), dtype=np.uint8)
    for a in range(1, TONES):
        for b in range(1, TONES):
            product[a, b] = exponents[(logarithms[a] + logarithms[b]) % (TONES - 1)]
    words = np.arange(_WORDS, dtype=np.uint32)
    data = [(words >> shift & 0xF).astype(np.uint8) for shift in (12, 8, 4, 0)]
    table = np.empty((_WORDS, SYMBOLS), dtype=np.uint8)
    for place in range(SYMBOLS):
        value = np.zeros(_WORDS, dtype=np.uint8)
        for coefficient in data:
            value = product[value, exponents[place]] ^ coefficient
        table[:, place] = value
    return table


@cache
def _tones(coset: tuple[int, ...]) -> NDArray[np.uint8]:
    return _codewords() ^ np.array(coset, dtype=np.uint8)


def encode(word: int, coset: tuple[int, ...]) -> tuple[int, ...]:
    """Turn 16 bits into six tone numbers."""
    return tuple(int(tone) for tone in _tones(coset)[word])


def decode(purity: NDArray[np.float64], coset: tuple[int, ...]) -> Decoded:
    """Find the word that explains ``purity`` best: six rows of sixteen tones, 0 (absent) to 1."""
    table = _tones(coset)
    scores = np.zeros(_WORDS, dtype=np.float32)
    for place in range(SYMBOLS):
        scores += purity[place].astype(np.float32)[table[:, place]]
    best = int(np.argmax(scores))
    score = float(scores[best])
    scores[best] = -1.0
    return Decoded(best, score, score - float(scores.max()))
