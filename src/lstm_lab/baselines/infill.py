"""What gap filling has to beat: Markov models of what stands before a symbol, and counts of what stands around it.

Shapes: N symbols of all sequences together, V symbols.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_STRENGTH = 8.0  # how many observations the shorter context is worth, a round number that was never tuned


def context_baselines(
    train: Sequence[np.ndarray], test: Sequence[np.ndarray], counted: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """Returns the bits of each test symbol that counts, by baseline.

    Args:
        train: numbers of the symbols of each training sequence.
        test: of each test sequence.
        counted: for each test sequence, whether each of its symbols counts.
    """
    contexts = {"frequency of symbols": (0, 0)}
    contexts |= {f"Markov, order {order}": (order, 0) for order in (1, 2, 4)}
    contexts |= {f"{reach} symbols on both sides": (reach, reach) for reach in (1, 2, 3)}
    known = np.concatenate(counted)
    return {name: context_bits(train, test, left, right)[known] for name, (left, right) in contexts.items()}


def context_bits(
    train: Sequence[np.ndarray], test: Sequence[np.ndarray], left: int, right: int
) -> np.ndarray:
    """Bits of each test symbol given so many symbols before and behind it.

    Counts of a context are mixed with those of the context that is shorter by one on each side, down to none
    (Dirichlet smoothing, MacKay & Peto 1995).
    """
    symbols = 1 + max(int(one.max()) for one in [*train, *test])
    places = max(left, right)
    wide_train, wide_test = _padded(train, places, symbols), _padded(test, places, symbols)
    centre, wanted = wide_train[:, places], wide_test[:, places]
    chance = np.full(len(wanted), 1 / symbols)
    for reach in range(places + 1):
        before, behind = min(reach, left), min(reach, right)
        columns = [*range(places - before, places), *range(places + 1, places + 1 + behind)]
        seen, asked = _codes(wide_train, columns, symbols), _codes(wide_test, columns, symbols)
        whole = np.bincount(seen, minlength=int(max(seen.max(), asked.max())) + 1)
        pairs, counts = np.unique(seen * symbols + centre, return_counts=True)
        at = np.searchsorted(pairs, asked * symbols + wanted).clip(max=len(pairs) - 1)
        own = np.where(pairs[at] == asked * symbols + wanted, counts[at], 0)
        chance = (own + _STRENGTH * chance) / (whole[asked] + _STRENGTH)
    return -np.log2(chance)


def _padded(sequences: Sequence[np.ndarray], reach: int, outside: int) -> np.ndarray:
    """Returns (N, 2 · reach + 1), each symbol with what stands around it; `outside` beyond the ends."""
    windows = [
        np.lib.stride_tricks.sliding_window_view(np.pad(one, reach, constant_values=outside), 2 * reach + 1)
        for one in sequences
    ]
    return np.concatenate(windows)


def _codes(windows: np.ndarray, columns: list[int], symbols: int) -> np.ndarray:
    """One number (N,) for the symbols of some columns."""
    code = np.zeros(len(windows), dtype=np.int64)
    for column in columns:
        code = code * (symbols + 1) + windows[:, column]
    return code
