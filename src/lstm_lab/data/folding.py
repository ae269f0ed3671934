"""Which samples train, which validate, which are the test: by groups that never part, and by folds that take turns.

What a group is, `lstm_lab.data.grouping` says. Whatever the kind of data, folds come from here: each group is in the
test of exactly one fold. Where nobody asks for folds, each kind draws its one test part as its own module says;
recorded figures stand on those draws.

Shapes: N samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_lab.errors import UserError

PARTS = ("train", "validation", "test")
#: Decides who comes together, whatever the seed of a run: runs with other seeds are compared, averaged and gone on
#: with, and none of them may have seen the test of another.
SEED = 0


@dataclass(frozen=True)
class Folds:
    """One of several folds that take turns in being the test.

    Attributes:
        count: how many; None leaves one group out at a time.
        number: which of them is the test, from 0.
    """

    count: int | None
    number: int

    @classmethod
    def read(cls, folds: int | str | None, fold: int | str | None) -> Folds | None:
        """Reads ``data.folds`` and ``data.fold``.

        Args:
            folds: how many; ``all`` leaves one group out at a time; None for none.
            fold: the number of one, from 0; or ``k/n``, the k-th of n, from 1.

        Returns:
            The fold; None where no folds are asked for.

        Raises:
            UserError: for words that are none of these, or contradict each other.
        """
        if folds is not None and folds != "all" and not (_whole(folds) and int(folds) >= 2):
            raise UserError(
                f"data.folds={folds}: a whole number of at least 2, or all to leave one group out."
            )
        count = None if folds is None or folds == "all" else int(folds)
        if isinstance(fold, str) and "/" in fold:
            place, _, of = fold.partition("/")
            if not (_whole(place) and _whole(of) and 1 <= int(place) <= int(of) and int(of) >= 2):
                raise UserError(f"data.fold={fold}: the k-th of n folds is written k/n, from 1/n to n/n.")
            if folds is not None and count != int(of):
                raise UserError(f"data.fold={fold} contradicts data.folds={folds}.")
            return cls(int(of), int(place) - 1)
        if fold is not None and not _whole(fold):
            raise UserError(f"data.fold={fold}: a number from 0, or the k-th of n folds as k/n.")
        if folds is None:
            if fold:
                raise UserError(
                    f"data.fold={fold} needs data.folds=…; or say how many there are: data.fold=1/10."
                )
            return None
        return cls(count, int(fold or 0))

    def size(self, groups: Sequence[Any] | np.ndarray, what: str = "groups") -> int:
        """How many folds there are.

        Args:
            groups: (N,) the group of each sample.
            what: they are called.

        Raises:
            UserError: if there are fewer groups than folds, or no such fold.
        """
        distinct = len(np.unique(np.asarray(groups)))
        size = distinct if self.count is None else self.count
        if not 2 <= size <= distinct:
            raise UserError(
                f"data.folds={size} must lie between 2 and {distinct}, the number of different {what}."
            )
        if not 0 <= self.number < size:
            raise UserError(f"data.fold={self.number} must lie between 0 and {size - 1}.")
        return size

    def tested(
        self, labels: Sequence[str], groups: Sequence[Any] | np.ndarray, seed: int, what: str = "groups"
    ) -> np.ndarray:
        """Returns (N,) True for the samples of this fold.

        Args:
            labels: N labels, which are spread evenly; any word where there are none.
            groups: (N,) samples of one group stay together.
            seed: decides who comes together.
            what: groups are called.

        Raises:
            UserError: as `size`.
        """
        size, groups = self.size(groups, what), np.asarray(groups)
        if self.count is None:
            return groups == np.unique(groups)[self.number]
        return deal(labels, groups, size, seed) == self.number

    @property
    def said(self) -> str:
        """In words, for the protocol; counted from 1, as ``data.fold=k/n`` is."""
        place = f"fold {self.number + 1}"
        return f"one left out, {place}" if self.count is None else f"{place} of {self.count}"


def divide(
    labels: Sequence[str],
    groups: Sequence[Any] | np.ndarray,
    test: Folds | float,
    validation: float,
    seed: int,
    what: str = "groups",
) -> dict[str, list[int]]:
    """Returns the samples of each part: the test, and a share of the others that validates.

    Args:
        labels: N labels, which are spread evenly.
        groups: (N,) samples of one group never part.
        test: the fold that is the test; or a share of all, where nobody asks for folds.
        validation: share of what is not the test.
        seed: decides who comes together.
        what: groups are called.

    Raises:
        UserError: for shares that are none, or too few groups.
    """
    parts = complete((), labels, groups, test, validation, seed, what)
    return {part: np.flatnonzero(parts == part).tolist() for part in PARTS}


def complete(
    stated: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[Any] | np.ndarray,
    test: Folds | float,
    validation: float,
    seed: int,
    what: str = "groups",
    source: str = "",
) -> np.ndarray:
    """Returns (N,) the part of each sample: what the files say is kept, what they do not say is drawn as in `divide`.

    Args:
        stated: the part of each of N samples, ``train`` where that is all they say; none where they say nothing.
        labels: see `divide`.
        groups: see `divide`.
        test: see `divide`.
        validation: see `divide`.
        seed: see `divide`.
        what: groups are called.
        source: where the samples were read, for mistakes.

    Raises:
        UserError: for folds of samples that state a test part; for shares that are none, or too few groups.
    """
    groups = np.asarray(groups)
    parts = np.array(list(stated) or ["train"] * len(groups), dtype=object)
    if isinstance(test, Folds):
        if stated:
            raise UserError(f"data.folds: {source} has a test part of its own; without folds it is scored.")
        parts[test.tested(labels, groups, seed, what)] = "test"
    elif "test" not in parts:
        parts[share_off(labels, groups, test, seed, "data.test", what)] = "test"
    if "validation" not in parts:
        rest = np.flatnonzero(parts == "train")
        words = [labels[int(row)] for row in rest]
        drawn = share_off(words, groups[rest], validation, seed + 1, "data.validation", what)
        parts[rest[drawn]] = "validation"
    return parts


def deal(labels: Sequence[str], groups: Sequence[Any] | np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Deals groups into folds, class by class, so that each has about its share of every class.

    Args:
        labels: N labels; a group goes by the label of its first sample.
        groups: (N,).
        folds: how many; as many as there are groups leaves one out at a time.
        seed: decides who comes together.

    Returns:
        (N,) the fold of each sample.
    """
    groups = np.asarray(groups)
    distinct, first = np.unique(groups, return_index=True)
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(distinct))
    words = np.array([str(labels[int(place)]) for place in first])
    order = order[np.argsort(words[order], kind="stable")]  # class by class, dealt like cards
    fold = np.empty(len(distinct), dtype=np.int64)
    fold[order] = np.arange(len(distinct)) % folds
    return fold[np.searchsorted(distinct, groups)]


def share_off(
    labels: Sequence[str],
    groups: Sequence[Any] | np.ndarray,
    share: float,
    seed: int,
    name: str,
    what: str = "groups",
) -> np.ndarray:
    """Returns (N,) True for about `share` of the samples, drawn by group and class.

    Raises:
        UserError: for a share that is none, or leaves one side empty.
    """
    if not 0 < share < 1:
        raise UserError(f"{name}={share} must be a share above 0 and below 1.")
    distinct = len(np.unique(np.asarray(groups)))
    if distinct < 2:
        raise UserError(f"{name}={share}: {distinct} of different {what} cannot be divided.")
    # As many folds as give one of about that size; a share above a half is what the others hold.
    many = min(distinct, max(2, round(1 / min(share, 1 - share))))
    taken = deal(labels, groups, many, seed) == 0
    return taken if share <= 0.5 else ~taken


def _whole(word: Any) -> bool:
    return isinstance(word, int) or (isinstance(word, str) and word.isdigit())
