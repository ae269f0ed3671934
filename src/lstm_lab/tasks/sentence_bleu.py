"""BLEU of single sentences of symbols: what a translator that writes by itself is judged by while it trains.

BLEU proper is one number of a whole corpus and of plain text, see `lstm_lab.evaluation.translate`. A mean over
sentences can be added up over batches and processes, and needs no text.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

_ORDER = 4


def sentence_bleu(truth: Sequence[Hashable], found: Sequence[Hashable]) -> float:
    """Returns BLEU from 0 to 100 of one sentence; from bigrams on, one is added to matches and counts.

    Lin & Och (2004), "ORANGE: a method for evaluating automatic evaluation metrics for machine translation".
    """
    total = 0.0
    for size in range(1, _ORDER + 1):
        ours, theirs = _runs(found, size), _runs(truth, size)
        added = int(size > 1)
        matches = sum((ours & theirs).values()) + added
        if not matches:
            return 0.0
        total += math.log(matches / (sum(ours.values()) + added))
    short = min(0.0, 1 - len(truth) / len(found))
    return 100 * math.exp(total / _ORDER + short)


def _runs(symbols: Sequence[Hashable], size: int) -> Counter[tuple[Hashable, ...]]:
    return Counter(tuple(symbols[start : start + size]) for start in range(len(symbols) - size + 1))
