"""n-gram models with interpolated Kneser-Ney smoothing: what a language model has to beat.

Chen & Goodman (1999), "An empirical study of smoothing techniques for language modeling", section 3: modified
Kneser-Ney, its three discounts estimated from counts of counts. Whole texts are counted and scored at once: a k-gram
that ends at place i is numbered by the (k-1)-gram that ends at i - 1 and its last token, so no string is ever built.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class _Level:
    """All k-grams of one length, sorted by their code ``history · V + token``."""

    codes: np.ndarray  # (G,)
    counts: np.ndarray  # (G,), how often, or in how many contexts
    discounts: np.ndarray  # (4,), by count 0, 1, 2, 3 and more
    totals: np.ndarray  # (histories,), sum of the counts after each history
    spared: np.ndarray  # (histories,), probability that goes to shorter histories, times the total


class NGram:
    """Probabilities of the next token from the last ``order - 1`` ones.

    Args:
        tokens: (N,) training text.
        order: n, at least 1.
        vocabulary: V; a token of no count at all has ``1 / V`` at the bottom of the interpolation.
    """

    def __init__(self, tokens: np.ndarray, order: int, vocabulary: int) -> None:
        self.order, self.vocabulary = order, vocabulary
        grams, places = self._count(tokens)
        self._levels = [
            self._level(k, grams[k], places, last=k == order - 1, longer=grams[k + 1 :]) for k in range(order)
        ]

    def _count(self, tokens: np.ndarray) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[np.ndarray]]:
        """For each length: its distinct codes with their counts; and the number of the gram at every place."""
        grams, places = [], []
        history = np.zeros(len(tokens), dtype=np.int64)
        for k in range(self.order):
            codes = np.full(len(tokens), -1)
            codes[k:] = history[k:] * self.vocabulary + tokens[k:]
            distinct, inverse, counts = np.unique(codes[k:], return_inverse=True, return_counts=True)
            ends = np.full(len(tokens), -1)
            ends[k:] = inverse
            grams.append((distinct, counts))
            places.append(ends)
            history = np.concatenate([[-1], ends[:-1]])
        return grams, places

    def _level(
        self,
        k: int,
        gram: tuple[np.ndarray, np.ndarray],
        places: list[np.ndarray],
        last: bool,
        longer: list[tuple[np.ndarray, np.ndarray]],
    ) -> _Level:
        codes, counts = gram
        if not last:
            # In how many contexts it stands: each distinct longer gram counts once for the gram that it ends with.
            start = k + 1
            _, first = np.unique(places[k + 1][start:], return_index=True)
            counts = np.bincount(places[k][start:][first], minlength=len(codes))
            counts = np.maximum(counts, 1)  # the very first gram of the text has no context
        discounts = _discounts(counts)
        history = codes // self.vocabulary
        size = int(history.max()) + 1 if len(codes) else 1
        return _Level(
            codes,
            counts,
            discounts,
            np.bincount(history, counts, size),
            np.bincount(history, discounts[np.minimum(counts, 3)], size),
        )

    def nats(self, tokens: np.ndarray) -> np.ndarray:
        """Returns -log of the probability of each token but the first, (N - 1,), given those before it."""
        probability = np.full(len(tokens), 1 / self.vocabulary)
        history = np.zeros(len(tokens), dtype=np.int64)
        for k, level in enumerate(self._levels):
            known = (history >= 0) & (np.arange(len(tokens)) >= k)
            code = np.where(known, history * self.vocabulary + tokens, -1)
            place = np.searchsorted(level.codes, code).clip(max=len(level.codes) - 1)
            seen = known & (level.codes[place] == code)
            safe = np.where(known & (history < len(level.totals)), history, 0)
            total = np.where(known, level.totals[safe], 0.0)
            known &= total > 0
            count = np.where(seen, level.counts[place], 0)
            mass = (
                np.maximum(count - level.discounts[np.minimum(count, 3)], 0)
                + level.spared[safe] * probability
            )
            probability = np.where(known, mass / np.where(total > 0, total, 1), probability)
            history = np.concatenate([[-1], np.where(seen, place, -1)[:-1]])
        return -np.log(probability[1:])


def _discounts(counts: np.ndarray) -> np.ndarray:
    """D for counts of 0, 1, 2, and 3 or more (Chen & Goodman 1999, eq. 26), within [0, count]."""
    of = np.bincount(np.minimum(counts, 5), minlength=5)[1:5].astype(float)
    if of[0] == 0 or of[1] == 0:  # no singletons: a small alphabet, all of whose grams are seen often
        return np.array([0.0, 0.5, 0.5, 0.5])
    ratio = of[0] / (of[0] + 2 * of[1])
    raw = [k - (k + 1) * ratio * of[k] / of[k - 1] if of[k - 1] else k / 2 for k in (1, 2, 3)]
    return np.array([0.0, *(min(max(d, 0.01), k) for k, d in zip((1, 2, 3), raw, strict=True))])
