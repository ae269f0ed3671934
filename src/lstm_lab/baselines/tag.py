"""What a tagger has to beat: the most frequent label, that of each symbol, and that of a window of symbols.

Shapes: N steps of training, M of the test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np


def tag_baselines(
    train: Sequence[tuple[np.ndarray, np.ndarray]], test: Sequence[np.ndarray], classes: int, reach: int = 6
) -> dict[str, list[np.ndarray]]:
    """Returns the labels of each test sequence by baseline.

    ``window`` is naive Bayes over the symbols up to `reach` steps away on each side, as the GOR method for proteins
    (Garnier, Osguthorpe & Robson 1978).

    Args:
        train: symbols and labels of each training sequence; negative labels do not count.
        test: symbols of each test sequence.
        classes: how many labels there are.
        reach: steps to each side.
    """
    counted = np.concatenate([labels[labels >= 0] for _, labels in train])
    most = int(np.bincount(counted, minlength=classes).argmax())
    by_symbol: dict[int, Counter[int]] = {}
    for symbols, labels in train:
        for symbol, label in zip(symbols.tolist(), labels.tolist(), strict=True):
            if label >= 0:
                by_symbol.setdefault(symbol, Counter())[label] += 1
    own = {symbol: counts.most_common(1)[0][0] for symbol, counts in by_symbol.items()}
    size = 1 + max(int(symbols.max()) for symbols in [*(one for one, _ in train), *test])
    scores = _window(train, classes, size, reach)
    return {
        "most frequent label": [np.full(len(one), most) for one in test],
        "most frequent label of each symbol": [
            np.array([own.get(symbol, most) for symbol in one.tolist()]) for one in test
        ],
        "window": [_score(scores, one, reach).argmax(1) for one in test],
    }


def _padded(symbols: np.ndarray, reach: int) -> np.ndarray:
    """Returns (T, 2 · reach + 1), what stands around each step; -1, the last row of a table, beyond the ends."""
    wide = np.pad(symbols, reach, constant_values=-1)
    return np.lib.stride_tricks.sliding_window_view(wide, 2 * reach + 1)


def _window(
    train: Sequence[tuple[np.ndarray, np.ndarray]], classes: int, size: int, reach: int
) -> tuple[np.ndarray, np.ndarray]:
    """Log probabilities of labels (C,), and of symbols at each place by label (places, symbols + 1, C)."""
    counts = np.ones((2 * reach + 1, size + 1, classes))
    totals = np.zeros(classes)
    for symbols, labels in train:
        around, known = _padded(symbols, reach), labels >= 0
        for place in range(2 * reach + 1):
            np.add.at(counts[place], (around[known, place], labels[known]), 1)
        totals += np.bincount(labels[known], minlength=classes)
    return np.log(totals + 1), np.log(counts / counts.sum(1, keepdims=True))


def _score(scores: tuple[np.ndarray, np.ndarray], symbols: np.ndarray, reach: int) -> np.ndarray:
    prior, table = scores
    around = _padded(symbols, reach)
    return prior + sum(table[place, around[:, place]] for place in range(around.shape[1]))
