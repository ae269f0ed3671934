"""Made sequences of long lags: known by hand, the same every time, no sequence in two parts."""

import random

import pytest

from lstm_lab.data.longlag.agreement import NOUNS, PLACES, VERBS, first_noun, nearest_noun, sentence
from lstm_lab.data.longlag.classic import parity, temporal_order
from lstm_lab.data.longlag.drawing import draw_parts, part_of
from lstm_lab.data.longlag.module import KINDS, LongLagDataModule
from lstm_lab.errors import UserError

SMALL = {"sequences": 200, "tests": 20, "longest": 20, "lags": (5, 30)}


@pytest.mark.parametrize("distance", [1, 2, 3, 4, 5, 11, 40, 80])
def test_a_sentence_has_its_distance_and_agrees_with_its_head(distance):
    """The head is the first noun whose "the" follows no word of place."""
    generator = random.Random(distance)
    openings = 0
    for _ in range(50):
        text, verb = sentence(distance, generator)
        words = text.split()
        head = (
            next(n for n in range(len(words)) if words[n] == "the" and (n == 0 or words[n - 1] not in PLACES))
            + 1
        )
        assert len(words) - head - 1 == distance
        assert (words[head] in NOUNS.values()) == (verb == "were")
        openings += head > 1
    assert 20 < openings < 45  # none, one or two


def test_a_sentence_by_its_seed():
    assert sentence(9, random.Random(0)) == sentence(9, random.Random(0))
    assert sentence(9, random.Random(0)) != sentence(9, random.Random(1))


def test_between_noun_and_verb_number_is_chance():
    generator = random.Random(0)
    rows = [sentence(12, generator) for _ in range(400)]
    share = sum(nearest_noun(text) == verb for text, verb in rows) / len(rows)
    assert 0.42 < share < 0.58
    assert any(word in VERBS for word in rows[0][0].split())


def test_what_rules_would_say():
    assert first_noun("near the houses the cat which the dog saw") == "were"
    assert nearest_noun("the cats which the dog saw") == "was"
    assert nearest_noun("the cat near the children") == "were"


def test_parity_and_order_by_hand():
    for seed in range(40):
        bits, label = parity(7, random.Random(seed))
        assert label == ("odd" if bits.split().count("1") in (1, 3, 5, 7) else "even")
        steps, name = temporal_order(100, random.Random(seed))
        words = steps.split()
        assert len(words) == 100
        first, second = (place for place, word in enumerate(words) if word in "XY")
        assert 10 <= first <= 20
        assert 50 <= second <= 60
        assert name == {"XX": "Q", "XY": "R", "YX": "S", "YY": "U"}[words[first] + words[second]]


def test_no_sequence_in_two_parts_and_the_test_does_not_move():
    made = draw_parts(parity, 1, 12, 300, (8, 16), 10, seed=0)
    again = draw_parts(parity, 5, 40, 100, (8, 16), 10, seed=0)
    by_part = {
        part: {t for t, p in zip(made.texts, made.parts, strict=True) if p == part} for part in made.parts
    }
    assert all(part_of(text) == part for part, texts in by_part.items() for text in texts)
    assert not by_part["train"] & by_part["test"] | by_part["validation"] & by_part["test"]
    assert not by_part["train"] & by_part["validation"]
    tests = [[t for t, p in zip(one.texts, one.parts, strict=True) if p == "test"] for one in (made, again)]
    assert tests[0] == tests[1]
    assert made.lags[-10:] == [16] * 10


def test_the_data_is_that_of_its_own_seed():
    one, other = LongLagDataModule(seed=0, **SMALL), LongLagDataModule(seed=7, **SMALL)
    assert one.digest == other.digest
    assert one.digest != LongLagDataModule(data_seed=1, **SMALL).digest
    keys = one.samples("test").keys
    assert one.lags_of(keys).tolist() == [5] * 20 + [30] * 20
    assert min(len(text.split()) for text in one.texts("test")[20:]) == 32
    assert one.spec.target.names == ("was", "were")
    assert set(one.rules()) == {"nearest noun", "first noun"}
    assert "5 to 30" in one.protocol


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_made(name):
    data = LongLagDataModule(name, shortest=KINDS[name].least, **SMALL | {"lags": (12, 30)})
    assert len(data.samples("test")) == 40
    assert data.statistics["class_counts"]


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"name": "agreemnt"}, "data.name=agreemnt is not known. Did you mean 'agreement'"),
        ({"shortest": 0}, "data.shortest=0 is too small"),
        ({"longest": 3, "shortest": 4}, "data.longest=3 is too small: it must be at least 4"),
        ({"lags": []}, "data.lags=.. leaves nothing to test"),
        ({"name": "temporal_order"}, "data.shortest=1 is too small: it must be at least 10"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(settings, line):
    with pytest.raises(UserError, match=line):
        LongLagDataModule(**settings)


def test_a_lag_of_which_there_is_one_sequence_only():
    with pytest.raises(UserError, match="too few sequences of lag 1 for a train part of its own"):
        draw_parts(lambda lag, generator: ("1", "odd"), 1, 1, 10, (1,), 1, seed=0)
