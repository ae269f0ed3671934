"""What a text classifier has to beat: naive Bayes over words and pairs of words, or over places.

Shapes: N training texts, M test texts, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.naive_bayes import CategoricalNB, MultinomialNB


def label_baselines(
    train: Sequence[np.ndarray], labels: np.ndarray, test: Sequence[np.ndarray], classes: int
) -> dict[str, np.ndarray]:
    """Returns probabilities (M, C) by baseline.

    ``naive Bayes`` counts in how many texts a symbol or a pair of neighbours stands, one added to each count (Pang, Lee
    & Vaithyanathan 2002: presence says more than frequency). Where all texts are equally
    long, as windows of DNA are, ``naive Bayes by place`` counts which symbol stands where (a position weight matrix).

    Args:
        train: numbers of the symbols of each training text.
        labels: (N,) their classes.
        test: numbers of the symbols of each test text.
        classes: C.
    """
    table = DictVectorizer()
    bag = MultinomialNB(alpha=1.0).fit(table.fit_transform([_grams(text) for text in train]), labels)
    chances = bag.predict_proba(table.transform([_grams(text) for text in test]))
    found = {"naive Bayes": _spread(chances, bag.classes_, classes)}
    lengths = {len(text) for text in [*train, *test]}
    if len(lengths) == 1:
        symbols = int(max(text.max() for text in [*train, *test])) + 1
        places = CategoricalNB(alpha=1.0, min_categories=symbols).fit(np.stack(train), labels)
        chances = places.predict_proba(np.stack(test))
        found["naive Bayes by place"] = _spread(chances, places.classes_, classes)
    return found


def _grams(text: np.ndarray) -> dict[str, int]:
    """The symbols and pairs of neighbours of a text."""
    numbers = text.tolist()
    return dict.fromkeys([*map(str, numbers), *(f"{one} {other}" for one, other in pairwise(numbers))], 1)


def _spread(chances: np.ndarray, known: np.ndarray, classes: int) -> np.ndarray:
    """Gives classes that training did not see a probability of zero."""
    whole = np.zeros((len(chances), classes))
    whole[:, known] = chances
    return whole
