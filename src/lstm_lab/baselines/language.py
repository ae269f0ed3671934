"""What a language model has to beat: n-grams of rising order, smoothed as well as n-grams can be."""

from __future__ import annotations

import numpy as np

from lstm_lab.baselines.ngram import NGram

_NAMES = {1: "unigram", 2: "bigram", 3: "trigram"}


def ngram_baselines(
    train: np.ndarray, test: np.ndarray, vocabulary: int, words: bool
) -> dict[str, np.ndarray]:
    """Returns nats of each test token but the first, by baseline, fitted on the training part.

    Args:
        train: (N,) tokens.
        test: (M,) tokens.
        vocabulary: number of symbols.
        words: whether tokens are words, of which five in a row say most; of characters it takes more.
    """
    orders = (1, 2, 3, 5) if words else (1, 3, 5, 7)
    return {
        _NAMES.get(order, f"{order}-gram"): NGram(train, order, vocabulary).nats(test) for order in orders
    }
