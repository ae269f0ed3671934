"""Classes: numbers by hand."""

import numpy as np
import pytest

from lstm_lab.evaluation.classify import by_class, calibration_error, confusion_table, score, unequal


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
    assert found["balanced_accuracy"] == pytest.approx(75)  # all of the first class, half of the second
    assert found["recall"] == pytest.approx(75)
    assert found["precision"] == pytest.approx(75)  # half of what was called the first, all of the second
    # Each stands in a bin of its own: distances 0.1, 0.6 and 0.3, a third each.
    assert found["calibration"] == pytest.approx(100 / 3)


def test_a_model_that_is_as_right_as_it_says_has_no_calibration_error():
    right = np.array([True] * 3 + [False])
    assert calibration_error(right, np.full(4, 0.75)) == pytest.approx(0.0)


def test_a_class_that_is_only_named_counts_in_precision_but_not_in_balanced_accuracy():
    chances = np.eye(3)[[0, 0, 1, 2]]
    found = score(np.array([0, 0, 1, 1]), chances)
    assert found["balanced_accuracy"] == pytest.approx(75)
    assert found["recall"] == pytest.approx(50)  # (100 + 50 + 0) / 3
    assert found["precision"] == pytest.approx(200 / 3)


def test_unequal_classes_and_their_confusions():
    assert unequal(np.array([0] * 4 + [1] * 2))
    assert not unequal(np.array([0] * 3 + [1] * 2))
    table = confusion_table(np.array([[3, 1], [0, 2]]), ("cat", "dog"))
    assert table.to_csv(index=False) == "truth,cat,dog\ncat,3,1\ndog,0,2\n"
