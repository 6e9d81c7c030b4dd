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
TONES = 16
COPIES = 2
"""A word is sent twice, because one lost packet more than the code restores is one too many."""
_COSETS = ((0, 0, 0, 0, 0, 0), (0, 0, 0, 1, 0, 1), (0, 0, 0, 2, 0, 2), (0, 0, 0, 3, 0, 3))
NO_SHIFT = _COSETS[0]
_WORDS = 1 << 16
_DATA_SYMBOLS = 4
_DISTANCE = 3
_PRIMITIVE = 0b10011
"""x^4 + x + 1, which makes GF(16)."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The word that fits best. ``score`` is 6 where every tone was pure, ``lead`` over the next."""

    word: int
    score: float
    lead: float


def coset(*, rising: bool, copy: int) -> tuple[int, ...]:
    """What is added to the tones, so that neither speaker nor copy is taken for another.

    Words of different cosets differ in two places at least.
    """
    return _COSETS[copy if rising else COPIES + copy]


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
def _tones(shift: tuple[int, ...]) -> NDArray[np.uint8]:
    return _codewords() ^ np.array(shift, dtype=np.uint8)


def encode(word: int, shift: tuple[int, ...]) -> tuple[int, ...]:
    """Turn 16 bits into six tone numbers."""
    return tuple(int(tone) for tone in _tones(shift)[word])


def decode(purity: NDArray[np.float64], shift: tuple[int, ...]) -> Decoded:
    """Find the word that explains ``purity`` best: six rows of sixteen tones, 0 (absent) to 1.

    ``lead`` is at least what it says.
    """
    plain = decode_plainly(purity, shift)
    if plain is not None:
        return plain
    table = _tones(shift)
    scores = np.zeros(_WORDS, dtype=np.float32)
    for place in range(SYMBOLS):
        scores += purity[place].astype(np.float32)[table[:, place]]
    best = int(np.argmax(scores))
    score = float(scores[best])
    scores[best] = -1.0
    return Decoded(best, score, score - float(scores.max()))


def decode_plainly(purity: NDArray[np.float64], shift: tuple[int, ...]) -> Decoded | None:
    """Take the purest tones, where they are a word: it then leads by three tones at least."""
    tones = purity.argmax(axis=1)
    word = int(_words()[tuple((tones ^ shift)[:_DATA_SYMBOLS])])
    if not np.array_equal(_tones(shift)[word], tones):
        return None
    ordered = np.sort(purity, axis=1)
    margins = np.sort(ordered[:, -1] - ordered[:, -2])
    return Decoded(word, float(ordered[:, -1].sum()), float(margins[:_DISTANCE].sum()))


@cache
def _words() -> NDArray[np.uint16]:
    """The word of each four first symbols: they are enough to know the others."""
    words = np.zeros((TONES,) * _DATA_SYMBOLS, dtype=np.uint16)
    words[tuple(_codewords()[:, :_DATA_SYMBOLS].T)] = np.arange(_WORDS)
    return words


def unshift(purity: NDArray[np.float64], shift: tuple[int, ...]) -> NDArray[np.float64]:
    """Take a coset away, so that copies of one word can be added up."""
    tones = np.arange(TONES)
    return np.stack([row[tones ^ add] for row, add in zip(purity, shift, strict=True)])
