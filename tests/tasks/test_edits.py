"""Error rates are sums, and the same as those of another implementation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_lab.tasks.edits import Edits, edit_distance

WORDS = st.lists(st.sampled_from(["one", "two", "three"]), max_size=6)


@pytest.mark.parametrize(
    ("truth", "found", "edits"),
    [
        ("", "", 0),
        ("kitten", "sitting", 3),
        ("abc", "", 3),
        ("", "abc", 3),
        ("abc", "abc", 0),
        ("ab", "ba", 2),
    ],
)
def test_known_distances(truth, found, edits):
    assert edit_distance(truth, found) == edits


@given(WORDS, WORDS)
def test_kinds_of_edits_add_up(truth, found):
    counted = Edits()
    counted.add(truth, found)
    assert counted.substitutions + counted.deletions + counted.insertions == edit_distance(truth, found)
    assert len(truth) - counted.deletions + counted.insertions == len(found)


def test_the_rate_is_of_sums_not_a_mean_of_rates():
    counted = Edits()
    counted.add(["a"], ["b"])
    counted.add(["a", "b", "c"], ["a", "b", "c"])
    assert counted.rate == 25.0


@pytest.mark.peers
@given(st.lists(st.tuples(WORDS.filter(bool), WORDS), min_size=1, max_size=5))
def test_equals_jiwer(pairs):
    jiwer = pytest.importorskip("jiwer")
    counted = Edits()
    for truth, found in pairs:
        counted.add(truth, found)
    theirs = jiwer.wer([" ".join(truth) for truth, _ in pairs], [" ".join(found) for _, found in pairs])
    assert counted.rate == pytest.approx(100 * theirs)
