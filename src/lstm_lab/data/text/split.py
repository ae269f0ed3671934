"""Dividing labelled samples so that no text stands in two parts: duplicates stay together, classes stay in proportion.

Shapes: N samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lstm_lab.errors import UserError


def groups_of(texts: Sequence[str]) -> np.ndarray:
    """Returns (N,) a number for each sample, the same for equal texts."""
    number: dict[str, int] = {}
    return np.array([number.setdefault(text, len(number)) for text in texts])


def folds_of(labels: Sequence[str], groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Deals groups into folds, class by class, so that each has about its share of every class.

    Args:
        labels: N labels; a group goes by the label of its first sample.
        groups: (N,).
        folds: how many; as many as there are groups leaves one out at a time.
        seed: decides who comes together.

    Returns:
        (N,) the fold of each sample.

    Raises:
        UserError: if there are more folds than groups.
    """
    distinct, first = np.unique(groups, return_index=True)
    if not 2 <= folds <= len(distinct):
        raise UserError(
            f"data.folds={folds} must lie between 2 and {len(distinct)}, the number of different texts."
        )
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(distinct))
    words = np.array([str(labels[place]) for place in first])
    order = order[np.argsort(words[order], kind="stable")]  # class by class, dealt like cards
    fold = np.empty(len(distinct), dtype=np.int64)
    fold[order] = np.arange(len(distinct)) % folds
    return fold[np.searchsorted(distinct, groups)]


def share_off(labels: Sequence[str], groups: np.ndarray, share: float, seed: int, name: str) -> np.ndarray:
    """Returns (N,) True for about `share` of the samples, drawn by group and class.

    Raises:
        UserError: for a share that is none, or leaves one side empty.
    """
    if not 0 < share < 1:
        raise UserError(f"{name}={share} must be a share above 0 and below 1.")
    distinct = len(np.unique(groups))
    if distinct < 2:
        raise UserError(f"{name}={share}: there is only one different text.")
    # As many folds as give one of about that size; a share above a half is what the others hold.
    many = min(distinct, max(2, round(1 / min(share, 1 - share))))
    taken = folds_of(labels, groups, many, seed) == 0
    return taken if share <= 0.5 else ~taken
