"""n-grams: probabilities that sum to one, a case by hand, and the published perplexity of the Penn Treebank."""

import math

import numpy as np
import pytest

from lstm_lab.baselines.ngram import NGram
from lstm_lab.data.text.corpus import penn_treebank
from lstm_lab.data.text.tokenizer import Tokenizer


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_probabilities_sum_to_one_after_any_history(order):
    generator = np.random.default_rng(0)
    model = NGram(generator.integers(6, size=300) ** 2 % 7, order, 8)
    for _ in range(10):
        history = generator.integers(8, size=6)
        nats = [model.nats(np.append(history, token))[-1] for token in range(8)]
        assert np.exp(-np.array(nats)).sum() == pytest.approx(1, abs=1e-12)


def test_unigram_by_hand():
    """Counts 2, 1, 1 of four symbols: n1 = 2, n2 = 1, so D1 = 1 - 2·½·½ = ½ and D2 = 2 - 3·½·0 = 2, at most 2."""
    model = NGram(np.array([0, 0, 1, 2]), 1, 4)
    spared = 2 + 0.5 + 0.5
    expected = [spared / 4 / 4, (0.5 + spared / 4) / 4, (0.5 + spared / 4) / 4, spared / 4 / 4]
    assert np.exp(-model.nats(np.array([0, 0, 1, 2, 3]))).tolist() == pytest.approx(expected)


def test_a_text_of_one_period_is_learnt():
    model = NGram(np.tile([0, 1, 2, 3], 50), 3, 5)
    assert model.nats(np.tile([0, 1, 2, 3], 5))[2:].max() < 0.2


def test_the_published_perplexity_of_five_grams_on_the_penn_treebank(shared_data):
    """141.2 with Kneser-Ney smoothing (Mikolov et al. 2011, "Empirical evaluation and combination")."""
    corpus = penn_treebank(str(shared_data))
    tokenizer = Tokenizer.train([corpus.train], "blank", 10_003)
    train, test = tokenizer.encode(corpus.train), tokenizer.encode(corpus.test)
    assert (tokenizer.size, len(train), len(test)) == (10_003, 929_589, 82_430)
    nats = NGram(train, 5, tokenizer.size).nats(test)
    assert math.exp(nats.mean()) == pytest.approx(141.2, abs=0.5)
