"""Classes: numbers by hand."""

import numpy as np
import pytest

from lstm_lab.evaluation.classify import by_class, calibration_error, score


def test_classes_by_hand():
    """Of three classes the third is never found, and the second twice as often as it is there."""
    table = by_class(np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 0]), ("a", "b", "c"))
    assert table["class"].tolist() == ["a", "b", "c"]
    assert table["precision"].tolist() == pytest.approx([200 / 3, 50, 0])
    assert table["recall"].tolist() == pytest.approx([200 / 3, 100, 0])
    assert table["f1"].tolist() == pytest.approx([200 / 3, 200 / 3, 0])
    assert table["samples"].tolist() == [3, 1, 1]


def test_scores_by_hand():
    chances = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]])
    found = score(np.array([0, 1, 1]), chances)
    assert found["accuracy"] == pytest.approx(200 / 3)
    assert found["f1"] == pytest.approx(200 / 3)
    assert found["loss"] == pytest.approx(-np.log([0.9, 0.4, 0.7]).mean())
    # Each stands in a bin of its own: distances 0.1, 0.6 and 0.3, a third each.
    assert found["calibration"] == pytest.approx(100 / 3)


def test_a_model_that_is_as_right_as_it_says_has_no_calibration_error():
    right = np.array([True] * 3 + [False])
    assert calibration_error(right, np.full(4, 0.75)) == pytest.approx(0.0)
