"""What a classifier of recordings has to beat: simple rules on features that were averaged over each clip.

Shapes: N clips, P pooled features.
"""

from __future__ import annotations

import numpy as np


def pooled_baselines(
    train: tuple[np.ndarray, np.ndarray], test: np.ndarray, classes: int
) -> dict[str, np.ndarray]:
    """Predicts the classes of test clips.

    Args:
        train: pooled features (N, P) and classes (N,).
        test: pooled features (N', P).
        classes: how many there are.

    Returns:
        ``nearest mean``: the class whose mean of standardised features is closest, (N',); ``linear on pooled
        features``: probabilities (N', C) of a logistic regression.
    """
    from sklearn.linear_model import LogisticRegression

    features, labels = train
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    features, test = (features - mean) / spread, (test - mean) / spread
    centres = np.stack([features[labels == one].mean(axis=0) for one in range(classes)])  # (C, P)
    nearest = ((test[:, None, :] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
    linear = LogisticRegression(max_iter=1000).fit(features, labels)
    chances = np.zeros((len(test), classes))
    chances[:, linear.classes_] = linear.predict_proba(test)
    return {"nearest mean": nearest, "linear on pooled features": chances}
