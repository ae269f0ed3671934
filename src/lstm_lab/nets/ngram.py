"""A language model of characters from counts, to help a search for transcripts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


class CharNgram:
    """Probabilities of a symbol behind others, interpolated over shorter and shorter contexts (Witten & Bell 1991).

    p(w | c) = (n(c w) + u(c) p(w | c')) / (n(c) + u(c)), where u(c) is how many different symbols follow c and c' is c
    without its oldest symbol; without any context stands the uniform distribution.

    Args:
        counts: by context (numbers joined by spaces) what followed how often; 0 stands for beginning and end.
        symbols: S, the end included.
    """

    def __init__(self, counts: dict[str, dict[str, Any]], symbols: int) -> None:
        self.counts, self.symbols = counts, symbols
        self.reach = max((len(context.split()) for context in counts), default=0)
        self._known: dict[tuple[tuple[int, ...], int], float] = {}

    def score(self, prefix: Sequence[int], symbol: int) -> float:
        """The natural logarithm of the probability of `symbol` behind `prefix`."""
        context = tuple(([0] * self.reach + list(prefix))[len(prefix) :]) if self.reach else ()
        key = (context, symbol)
        if key not in self._known:
            self._known[key] = math.log(self._probability(context, str(symbol)))
        return self._known[key]

    def _probability(self, context: tuple[int, ...], symbol: str) -> float:
        shorter = self._probability(context[1:], symbol) if context else 1 / self.symbols
        after = self.counts.get(" ".join(map(str, context)))
        if not after:
            return shorter
        return (after.get(symbol, 0) + len(after) * shorter) / (sum(after.values()) + len(after))
