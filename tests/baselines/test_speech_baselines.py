"""Rules on pooled features, where the answer is known."""

import numpy as np

from lstm_lab.baselines.speech import pooled_baselines


def test_classes_that_lie_apart_are_found():
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    features = rng.normal(size=(90, 4)) + 8 * np.eye(4)[labels]
    features = np.c_[features, np.ones(90)]  # a feature that never changes
    found = pooled_baselines((features[:60], labels[:60]), features[60:], 3)
    assert (found["nearest mean"] == labels[60:]).all()
    assert (found["linear on pooled features"].argmax(1) == labels[60:]).all()
    np.testing.assert_allclose(found["linear on pooled features"].sum(1), 1)
