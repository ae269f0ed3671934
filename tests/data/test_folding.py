"""Folds: parts apart, groups whole, every sample the test once; words and mistakes of the command line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_lab.data.folding import PARTS, Folds, complete, deal, divide
from lstm_lab.data.grouping import group_names, groups_of, together
from lstm_lab.errors import UserError


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("xyz")), min_size=4, max_size=60),
    st.integers(0, 3),
    st.data(),
)
def test_parts_are_apart_groups_whole_and_every_sample_the_test_once(rows, seed, data):
    groups, labels = [group for group, _ in rows], [label for _, label in rows]
    distinct = len(set(groups))
    if distinct < 4:  # of three in two folds one would be left, which cannot train and validate
        return
    count = data.draw(st.one_of(st.none(), st.integers(2, distinct)))
    tested = []
    for number in range(distinct if count is None else count):
        parts = divide(labels, groups, Folds(count, number), 0.2, seed)
        assert sorted(row for part in PARTS for row in parts[part]) == list(range(len(rows)))
        assert all(parts[part] for part in PARTS if distinct > (count or 1) + 1 or part == "test")
        homes = {
            group: {part for part in PARTS for row in parts[part] if groups[row] == group} for group in groups
        }
        assert all(len(where) == 1 for where in homes.values())
        tested += parts["test"]
    assert sorted(tested) == list(range(len(rows)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 8)), max_size=40))
def test_what_is_alike_in_any_way_stays_together(rows):
    """Against components found by hand, neighbour by neighbour."""
    found = together([text for text, _ in rows], [author for _, author in rows])
    seen = {}
    for start in range(len(rows)):
        if start in seen:
            continue
        waiting, name = [start], len(set(seen.values()))
        while waiting:
            row = waiting.pop()
            if row not in seen:
                seen[row] = name
                waiting += [
                    n for n, one in enumerate(rows) if one[0] == rows[row][0] or one[1] == rows[row][1]
                ]
    assert found.tolist() == [seen[row] for row in range(len(rows))]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=3, max_size=60), st.integers(0, 3))
def test_a_usual_draw_keeps_groups_whole(groups, seed):
    if len(set(groups)) < 3:
        return
    parts = divide([""] * len(groups), groups, 0.3, 0.2, seed)
    assert sorted(row for part in PARTS for row in parts[part]) == list(range(len(groups)))
    assert all(parts.values())
    assert sum(len({groups[row] for row in rows}) for rows in parts.values()) == len(set(groups))


def test_what_files_say_is_kept():
    stated = ["train", "test", "train", "train", "train", "test"]
    found = complete(stated, [""] * 6, np.arange(6), 0.5, 0.25, 0)
    assert [one == "test" for one in found] == [one == "test" for one in stated]
    assert sorted(found) == ["test", "test", "train", "train", "train", "validation"]
    whole = ["validation", *stated[1:]]
    assert complete(whole, [""] * 6, np.arange(6), 0.5, 0.25, 0).tolist() == whole
    with pytest.raises(UserError, match=r"data\.folds: my\.tsv has a test part of its own"):
        complete(stated, [""] * 6, np.arange(6), Folds(3, 0), 0.25, 0, "texts", "my.tsv")


def test_by_hand():
    fold = deal(["a"] * 4 + ["b"] * 2, np.arange(6), 2, seed=0)
    assert fold[:4].tolist().count(0) == 2
    assert sorted(fold[4:]) == [0, 1]
    left = Folds(None, 1).tested([""] * 5, ["ann", "cat", "bob", "cat", "bob"], 0)
    assert left.tolist() == [False, False, True, False, True]  # bob is the second by name
    assert groups_of(["x", "y", "x"]).tolist() == [0, 1, 0]
    assert together(["hi", "yes", "hi", "no"], ["ann", "bob", "bob", "cat"]).tolist() == [0, 0, 0, 1]
    assert together(["hi", "yes", "hi"], ()).tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("folds", "fold", "found"),
    [
        (None, None, None),
        (None, 0, None),  # as the configs of earlier runs have it
        (5, None, Folds(5, 0)),
        (5, 3, Folds(5, 3)),
        (None, "2/5", Folds(5, 1)),
        (5, "5/5", Folds(5, 4)),
        ("all", 2, Folds(None, 2)),
        ("3", "1", Folds(3, 1)),
    ],
)
def test_words(folds, fold, found):
    assert Folds.read(folds, fold) == found


@pytest.mark.parametrize(
    ("folds", "fold", "told"),
    [
        (1, None, "data.folds=1: a whole number of at least 2"),
        ("many", None, "data.folds=many"),
        (None, 3, "data.fold=3 needs data.folds"),
        (None, "0/5", "from 1/n to n/n"),
        (None, "6/5", "from 1/n to n/n"),
        (4, "1/5", "contradicts data.folds=4"),
        (4, "first", "data.fold=first"),
    ],
)
def test_wrong_words(folds, fold, told):
    with pytest.raises(UserError, match=told):
        Folds.read(folds, fold)


def test_more_folds_than_groups_are_told():
    with pytest.raises(
        UserError, match=r"data.folds=4 must lie between 2 and 3, the number of different speakers"
    ):
        Folds(4, 0).tested([""] * 6, list("aabbcc"), 0, "speakers")
    with pytest.raises(UserError, match=r"data.fold=3 must lie between 0 and 2"):
        Folds(None, 3).size(list("aabbcc"))


def test_groups_by_the_names_of_files():
    names = ["cat/ann/ann_1.wav", "dog/bob/bob-2.wav", "cat/ann/zoe.wav"]
    assert group_names(names, "folder") == ["cat/ann", "dog/bob", "cat/ann"]
    assert group_names(names, "prefix") == ["ann", "bob", "zoe"]
    assert group_names(names, r"/(\w)\w*/") == ["a", "b", "a"]
    for rule, told in (
        (r"_(\d)", r"finds no group \(in brackets\) in the name dog/bob"),
        ("(", "no regular expression"),
    ):
        with pytest.raises(UserError, match=told):
            group_names(names, rule)
