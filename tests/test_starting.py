"""Weights that have seen a test are no beginning for what it scores."""

import pytest

from lstm_lab.errors import UserError
from lstm_lab.starting import check_folds

DATA = {"name": "labelled", "dir": None, "path": "/data/new.tsv", "folds": None, "fold": None}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({}, {}),
        ({"fold": "2/10"}, {"folds": 10, "fold": 1}),  # two ways to write one fold
        ({"fold": "2/10"}, {"fold": "3/10", "path": "/data/other.tsv"}),
        ({"name": "keywords", "path": None}, {"fold": "3/10"}),
    ],
)
def test_the_same_fold_and_other_data_are_a_beginning(before, now):
    check_folds("4af8db", DATA | before, DATA | now)


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ({"fold": "2/10"}, {"fold": "3/10"}, r"fold 2 of 10; now fold 3 of 10"),
        ({}, {"folds": "all", "fold": 0}, r"no folds; now one left out, fold 1"),
        ({"fold": "2/10"}, {}, r"fold 2 of 10; now no folds"),
        ({"fold": "2/10"}, {"fold": "2/5"}, r"fold 2 of 10; now fold 2 of 5"),
    ],
)
def test_what_has_seen_the_test_is_refused(before, now, told):
    with pytest.raises(UserError, match=told):
        check_folds("4af8db", DATA | before, DATA | now)
