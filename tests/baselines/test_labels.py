"""Naive Bayes by hand, and its known accuracy on film reviews."""

import numpy as np
import pytest

from lstm_lab.baselines.labels import label_baselines
from lstm_lab.data import LabelledTextDataModule


def test_naive_bayes_by_hand():
    """Grams a, b, "a b" in the one text of class 0; c in that of class 1: 4 grams, so 2/7 against 1/5 for "a"."""
    a, b, c = 4, 5, 6
    found = label_baselines(
        [np.array([a, b]), np.array([c])], np.array([0, 1]), [np.array([a]), np.array([9, 8])], 2
    )
    chances = found["naive Bayes"]
    assert chances[0].tolist() == pytest.approx([(2 / 7) / (2 / 7 + 1 / 5), (1 / 5) / (2 / 7 + 1 / 5)])
    assert chances[1].tolist() == pytest.approx([0.5, 0.5])  # nothing known, and as many texts of each
    assert "naive Bayes by place" not in found


def test_places_count_where_all_texts_are_equally_long():
    """The same symbols in other places: a bag cannot tell, places can."""
    train = [np.array([4, 5, 4]), np.array([5, 4, 4])] * 5
    test = [np.array([4, 5, 4]), np.array([5, 4, 4])]
    found = label_baselines(train, np.array([0, 1] * 5), test, 2)["naive Bayes by place"]
    assert found.argmax(1).tolist() == [0, 1]


def test_film_reviews_give_the_known_accuracy(shared_data):
    data = LabelledTextDataModule("sst2", dir=str(shared_data), tokenizer="blank")
    train, test = data.samples("train"), data.samples("test")
    labels = train.targets["class"].numpy()
    found = label_baselines(train.tokens.arrays(), labels, test.tokens.arrays(), 2)["naive Bayes"]
    right = found.argmax(1) == test.targets["class"].numpy()
    assert 100 * right.mean() == pytest.approx(82.5, abs=0.1)
