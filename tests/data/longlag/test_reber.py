"""The continual embedded Reber grammar: strings by hand, the entropy, and the places that have to be remembered."""

import math
import random
import re

import numpy as np
import pytest

from lstm_lab.data.longlag.reber import ContinualReberDataModule, embedded, nats, reber
from lstm_lab.evaluation.language import recalls

# The same grammar, written down as an expression: what may follow once the two ways through it meet, and the whole.
MET = r"(XT*VP)*(S|XT*VV)"
LANGUAGE = re.compile(rf"B(TS*X{MET}|PT*V(V|P{MET}))E")


def test_strings_are_of_the_language():
    generator = random.Random(0)
    found = ["".join(reber(generator)) for _ in range(2000)]
    assert all(LANGUAGE.fullmatch(one) for one in found)
    assert {"BTXSE", "BPVVE", "BTSXSE", "BPTVPSE", "BTXXVVE"} <= set(found)


def test_the_second_symbol_comes_again():
    generator = random.Random(1)
    for _ in range(100):
        one = embedded(generator)
        assert one[1] == one[-2]
        assert one[1] in "TP"
        assert (one[0], one[-1]) == ("B", "E")


def test_the_entropy_by_hand():
    """B T B P V V E T E: the outer T, and P, V, V within, are choices of two; the other five are not."""
    assert nats([list("BTBPVVETE")]) == pytest.approx(4 * math.log(2) / 9)


@pytest.fixture(scope="module")
def data():
    return ContinualReberDataModule(strings=60, tests=30, bptt=5, batch_size=4)


def test_places_that_have_to_be_remembered(data):
    symbols = data.corpus.test.split()
    assert len(data.recalled) == 30
    assert {symbols[place] for place in data.recalled} == {"T", "P"}
    assert {symbols[place + 1] for place in data.recalled} == {"E"}
    assert data.digest == ContinualReberDataModule(strings=60, tests=30, bptt=5, batch_size=4, seed=9).digest


def test_what_was_remembered_by_place():
    """Ten tokens after the first, in two parts; places 2, 5 and 9 are asked for."""
    nats_ = np.full(10, 9.0)
    nats_[[1, 8]] = 0.1  # of tokens 2 and 9
    places, right = recalls(nats_, np.array([2, 5, 9]), parts=2)
    assert places.tolist() == [5, 5, 10]
    assert right.tolist() == [True, False, True]
