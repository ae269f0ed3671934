"""Pairs of texts: parallel files, dialogues, and three sets that are made here, each in three parts.

Lines are matched by their number and never split again. Whatever the source, equal sources never stand in two parts
of a set that is divided here, because a model would be tested on what it has seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lstm_lab.data.files import find
from lstm_lab.data.folding import Folds, divide
from lstm_lab.data.grouping import groups_of, together, told
from lstm_lab.data.text.pairs_made import MADE
from lstm_lab.data.text.reading import lines, read_text
from lstm_lab.errors import UserError, check_at_least, check_choice, nearest

PARTS = ("train", "validation", "test")
Pair = tuple[str, str]


@dataclass(frozen=True)
class Pairs:
    """Pairs in three parts.

    Attributes:
        parts: by name, (source, target) in the order of the file.
        source: where they were read from.
        warnings: what a person should know, a line each.
        groups: how many groups can take turns in being the test.
    """

    parts: dict[str, list[Pair]]
    source: str
    warnings: list[str] = field(default_factory=list)
    groups: int = 0


@dataclass(frozen=True)
class Division:
    """How a set without parts of its own is divided.

    Attributes:
        validation: share of the pairs.
        test: share of the pairs.
        seed: decides which.
        folds: which of several parts is the test, instead of a share.
        group: by which a person asks pairs to be kept together besides equal sources; a part then has one at least.
    """

    validation: float
    test: float
    seed: int
    folds: Folds | None = None
    group: str | None = None

    def __call__(self, pairs: Sequence[Pair], groups: Sequence[object], source: str) -> dict[str, list[Pair]]:
        """Divides pairs; those of one group stay together.

        Raises:
            UserError: if a part would be empty.
        """
        for name, share in (("validation", self.validation), ("test", self.test)):
            if not 0 < share < 1:
                raise UserError(f"data.{name}={share} must be a share above 0 and below 1.")
        if self.folds is not None or self.group is not None:
            same, whole = [""] * len(pairs), groups_of(groups)
            what = "sources or dialogues" if self.group is None else f"groups by '{self.group}'"
            rows = divide(same, whole, self.folds or self.test, self.validation, self.seed, what)
            return {part: [pairs[row] for row in rows[part]] for part in PARTS}
        number = {group: place for place, group in enumerate(dict.fromkeys(groups))}
        chance = np.random.default_rng(self.seed).permutation(len(number)) / max(1, len(number))
        parts: dict[str, list[Pair]] = {part: [] for part in PARTS}
        for pair, group in zip(pairs, groups, strict=True):
            where = chance[number[group]]
            part = (
                "test"
                if where < self.test
                else "validation"
                if where < self.test + self.validation
                else "train"
            )
            parts[part].append(pair)
        for part, found in parts.items():
            if not found:
                raise UserError(f"{source}: {len(pairs)} pairs are too few: the {part} part would be empty.")
        return parts


def multi30k(directory: str | None, source: str | None, target: str | None) -> Pairs:
    """Multi30k task 1 (Elliott et al. 2016): captions of pictures; 29,000, 1,014 and the 1,000 of test2016."""
    sides, languages = [source or "de", target or "en"], ("de", "en", "fr")
    for name, language in zip(("source", "target"), sides, strict=True):
        check_choice(f"data.{name}", language, languages)
    if sides[0] == sides[1]:
        raise UserError(f"data.source={sides[0]} and data.target={sides[1]} are the same language.")
    parts, folder = {}, ""
    for part, stem in zip(PARTS, ("train", "val", "test_2016_flickr"), strict=True):
        paths = [find(f"text/multi30k/{stem}.{language}.gz", directory) for language in sides]
        folder = str(paths[0].parent)
        parts[part] = matched(paths[0], paths[1])
    return Pairs(parts, folder)


def matched(source: Path, target: Path, encoding: str = "utf-8") -> list[Pair]:
    """Reads two files whose lines belong together.

    Raises:
        UserError: if they have different numbers of lines.
    """
    left, right = (lines(read_text(path, encoding)) for path in (source, target))
    if len(left) != len(right):
        raise UserError(f"{source} has {len(left):,} lines, {target} has {len(right):,}: they must be equal.")
    return [(one.strip(), other.strip()) for one, other in zip(left, right, strict=True)]


def tab_separated(path: Path, encoding: str = "utf-8") -> list[Pair]:
    """Reads a file with source, tab, target in each line.

    Raises:
        UserError: naming the first line that has no tab, or more than one.
    """
    return grouped(path, encoding, None)[0]


def grouped(path: Path, encoding: str, group: str | None) -> tuple[list[Pair], list[str], int]:
    """Reads a file with source and target between tabs in each line, and what a pair belongs to in a third column.

    Args:
        path: the file.
        encoding: of the file.
        group: that column, by its number from 1, or by its name in a first line of names; None where there is none.

    Returns:
        Pairs, the group of each (none without such a column), and how many lines stand before them.

    Raises:
        UserError: naming the first line with fewer or more columns, or without a group.
    """
    wanted, named = (
        ("source, tab, target", 2) if group is None else ("source, target and group between tabs", 3)
    )
    rows = [row.split("\t") for row in lines(read_text(path, encoding))]
    place, first = _column(path, rows[0], group)
    pairs, groups = [], []
    for number, cells in enumerate(rows[first:], 1 + first):
        if len(cells) != named and any(map(str.strip, cells)):
            raise UserError(f"{path}, line {number}: {len(cells)} columns; it needs {wanted}.")
        cells = [cell.strip() for cell in cells] + [""] * (named - len(cells))
        groups += [] if place is None else [cells.pop(place)]
        if place is not None and any(cells) and not groups[-1]:
            raise UserError(f"{path}, line {number}: data.group={group} is empty.")
        pairs.append((cells[0], cells[1]))
    return pairs, groups, first


def _column(path: Path, header: list[str], group: str | None) -> tuple[int | None, int]:
    """The place of the column of groups, and the first row of pairs: one that is named has names in the first row."""
    names = [cell.strip() for cell in header]
    if group is None:
        return None, 0
    if group in names and not group.isdigit():
        return names.index(group), 1
    if group in ("1", "2", "3"):
        return int(group) - 1, 0
    raise UserError(
        f"data.group={group}: {path} has no such column.{nearest(group, names)} Allowed: 1, 2, 3, or a name in its "
        "first line."
    )


def parallel(
    path: str | None, source: str | None, target: str | None, encoding: str, division: Division
) -> Pairs:
    """Your own pairs: two files, or one with tabs. Pairs with an empty side are left out and told."""
    if path is not None and (source or target):
        raise UserError(
            "data.path=… (one file with tabs) and data.source=… data.target=… exclude each other."
        )
    groups, before = list[str](), 0
    if path is not None:
        where, (found, groups, before) = path, grouped(Path(path).expanduser(), encoding, division.group)
    elif division.group is not None:
        raise UserError(f"data.group={division.group} is a column of one file with tabs: data.path=pairs.tsv")
    elif source and target:
        where, found = source, matched(Path(source).expanduser(), Path(target).expanduser(), encoding)
    else:
        raise UserError(
            "data=parallel needs data.source=a.txt data.target=b.txt, or data.path=pairs.tsv with tabs."
        )
    kept = [row for row, pair in enumerate(found) if all(pair)]
    warnings = []
    if len(kept) < len(found):
        first = next(number for number, pair in enumerate(found, 1 + before) if not all(pair))
        warnings.append(
            f"{len(found) - len(kept)} pairs with an empty side are left out, the first in line {first}"
        )
    pairs, groups = [found[row] for row in kept], [groups[row] for row in kept if groups]
    whole = together([one for one, _ in pairs], groups)
    if division.group is not None:
        warnings.append(told(groups, whole, division.group, "sources"))
    parts = division(pairs, whole.tolist(), where)
    return Pairs(parts, where, warnings, int(whole.max(initial=-1)) + 1)


def dialogs(directory: str | None, context: int, division: Division) -> Pairs:
    """Small talk, divided by dialogue: a new one begins where a prompt is not the reply before it."""
    path = find("text/dialogs/dialogs.txt", directory)
    return Pairs(*_turns(tab_separated(path), context, division, str(path)))


def _turns(
    pairs: list[Pair], context: int, division: Division, where: str
) -> tuple[dict[str, list[Pair]], str, list[str]]:
    """Replies with the `context` turns before them, a line each, and what the division cannot keep apart."""
    check_at_least("data.context", context, 1)
    found: list[Pair] = []
    groups: list[object] = []
    turns: list[str] = []
    dialogue = -1
    for prompt, reply in pairs:
        if not turns or turns[-1] != prompt:
            turns, dialogue = [prompt], dialogue + 1
        found.append(("\n".join(turns[-context:]), reply))
        groups.append(dialogue)
        turns.append(reply)
    return division(found, groups, where), where, [f"{dialogue + 1} dialogues, each in one part"]


def made(name: str, count: int, seed: int, division: Division | None = None) -> Pairs:
    """A set of `MADE`: `count` pairs with different sources, a tenth of them each for validation and test, or folds."""
    check_at_least("data.count", count, 100)
    pairs = MADE[name](count, np.random.default_rng(seed))
    if division is not None and division.folds is not None:
        return Pairs(division(pairs, [source for source, _ in pairs], "package"), "package")
    cuts = int(0.8 * count), int(0.9 * count)
    return Pairs(
        {"train": pairs[: cuts[0]], "validation": pairs[cuts[0] : cuts[1]], "test": pairs[cuts[1] :]},
        "package",
    )


NAMED: tuple[str, ...] = ("multi30k", "dialogs", *MADE)
"""Sets that have a name; any other pairs are files."""
