"""What makes samples alike, so that they never stand in two parts: equal content, a word beside it, a name of a file.

Shapes: N samples.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from lstm_lab.errors import UserError

_PREFIX = re.compile(r"[^_\-. ]+")


def groups_of(samples: Sequence[Any]) -> np.ndarray:
    """Returns (N,) a number for each sample, the same for equal ones, in the order in which they first occur."""
    number: dict[Any, int] = {}
    return np.array([number.setdefault(sample, len(number)) for sample in samples], dtype=np.int64)


def together(*alike: Sequence[Any]) -> np.ndarray:
    """Returns (N,) a number for each sample, the same for those that are equal in any of several ways.

    What is alike in one way may be alike to others in another way: all of them stay together (connected components).
    An author whose text somebody else copied is in one group with that one.

    Args:
        alike: each N words, such as texts and their authors; an empty one says nothing.
    """
    ways = [groups_of(words) for words in alike if len(words)]
    found = ways[0] if ways else groups_of([])
    while True:
        before = found
        for way in ways:
            least = np.full(int(way.max()) + 1, len(found))
            np.minimum.at(least, way, found)
            found = least[way]
        if np.array_equal(found, before):
            return groups_of(found.tolist())


def told(words: Sequence[str], joined: np.ndarray, rule: str, equal: str) -> str:
    """What a person should know of groups that were asked for.

    Args:
        words: N, the group of each sample.
        joined: (N,), of `together`.
        rule: by which they were found.
        equal: what was joined, such as ``texts``.
    """
    count, left = len(set(words)), len(np.unique(joined))
    merged = f", {left} once those with equal {equal} are joined" if left < count else ""
    return f"groups by '{rule}': {count}{merged}"


def group_names(names: Sequence[str], rule: str) -> list[str]:
    """Returns the group of each file, or record, by its name.

    Args:
        names: of files, below the folder of the data and with slashes between folders; or of records of a file.
        rule: ``folder``, the folder that holds the file; ``prefix``, the name up to the first ``_``, ``-``, dot or
            space; or a regular expression whose first group, searched in the whole name, is the group.

    Raises:
        UserError: for an expression that is none, or finds nothing in a name; for ``folder`` where there is none.
    """
    if rule == "folder":
        if not any("/" in name for name in names):
            raise UserError(
                "data.group=folder: no name has a folder. Allowed: prefix, an expression with a group."
            )
        return [str(PurePosixPath(name).parent) for name in names]
    if rule == "prefix":
        stems = [PurePosixPath(name).name for name in names]
        return [found[0] if (found := _PREFIX.match(stem)) else stem for stem in stems]
    try:
        searched = [(name, re.search(rule, name)) for name in names]
    except re.error as error:
        raise UserError(f"data.group={rule} is no regular expression: {error}.") from None
    groups = []
    for name, found in searched:
        if found is None or not found.groups():
            raise UserError(f"data.group={rule} finds no group (in brackets) in the name {name}.")
        groups.append(found.group(1))
    return groups
