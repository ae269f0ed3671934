"""Ridge regression, its penalty chosen on rows that it was not fitted to (Hoerl & Kennard 1970).

Shapes: W windows, P features, S steps ahead.
"""

from __future__ import annotations

import numpy as np

# Penalties to choose from, in units of the number of windows; features have a spread of one.
_PENALTIES = (1e-4, 1e-3, 1e-2, 0.1, 1.0)

Pair = tuple[np.ndarray, np.ndarray]


def ridge(train: Pair, validation: Pair, asked: np.ndarray) -> np.ndarray:
    """Returns what a linear map writes for features `asked` (W, P), (W, S).

    Args:
        train: features (W, P) and targets (W, S).
        validation: the same, by which the penalty is chosen; then the map is fitted to both.
        asked: features of the test.
    """
    penalty = min(
        _PENALTIES,
        key=lambda one: float(np.square(_apply(_fit(*train, one), validation[0]) - validation[1]).mean()),
    )
    features, targets = (np.concatenate(pair) for pair in zip(train, validation, strict=True))
    return _apply(_fit(features, targets, penalty), asked)


Map = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _fit(features: np.ndarray, targets: np.ndarray, penalty: float) -> Map:
    """Mean and spread of the features (P,), slopes (P, S) and constants (S,)."""
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    x = (features - mean) / spread
    square = x.T @ x + penalty * len(x) * np.eye(x.shape[1])
    constant = targets.mean(axis=0)
    return mean, spread, np.linalg.solve(square, x.T @ (targets - constant)), constant


def _apply(fitted: Map, features: np.ndarray) -> np.ndarray:
    mean, spread, slopes, constant = fitted
    return (features - mean) / spread @ slopes + constant
