"""Drawing made sequences so that no sequence ever stands in two parts, whatever is asked for.

A sequence belongs to a part by its own content, so that the test stays the same when training is changed.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lstm_lab.errors import UserError

Make = Callable[[int, random.Random], tuple[str, str]]
"""From a lag and a generator to a sequence of words with blanks between, and its label."""

_TRIES = 1000


@dataclass(frozen=True)
class Made:
    """Sequences with their labels and lags.

    Attributes:
        texts: N sequences.
        labels: N labels.
        lags: of each, in the unit of its kind.
        parts: ``train``, ``validation`` or ``test`` of each; none where folds divide them.
    """

    texts: list[str]
    labels: list[str]
    lags: list[int]
    parts: list[str]


def part_of(text: str) -> str:
    """The part to which a sequence belongs: a quarter of all is test, a quarter validation."""
    number = hashlib.blake2b(text.encode(), digest_size=1).digest()[0] % 4
    return {0: "test", 1: "validation"}.get(number, "train")


def draw_parts(
    make: Make, shortest: int, longest: int, count: int, lags: Sequence[int], tests: int, seed: int
) -> Made:
    """Draws all parts.

    Args:
        make: makes one sequence.
        shortest: lag of the training and validation sequences, at the least.
        longest: at the most; each lag between is as likely.
        count: training sequences; validation has a tenth of it.
        lags: of the test sequences.
        tests: test sequences of each lag.
        seed: decides the sequences.

    Raises:
        UserError: for a lag of which there are too few sequences to have some of each part.
    """
    sizes = {"train": count, "validation": max(1, count // 10)}
    trained: Sequence[int] = range(shortest, longest + 1)
    wanted = [(part, trained) for part, size in sizes.items() for _ in range(size)]
    wanted += [("test", (lag,)) for lag in lags for _ in range(tests)]
    generators = {part: random.Random(f"{seed} {part}") for part in (*sizes, "test")}
    rows = [_draw(make, part, choice, generators[part]) for part, choice in wanted]
    texts, labels, found = zip(*rows, strict=True)
    return Made(list(texts), list(labels), list(found), [part for part, _ in wanted])


def check_one_law(name: str, shortest: int, longest: int, lags: Sequence[int]) -> None:
    """Checks that test and training are of the same lags: folds take turns, so that what trains in one tests another.

    Args:
        name: of the data set.
        shortest: lag of training, at the least.
        longest: at the most.
        lags: of the test, in order.

    Raises:
        UserError: if they are not.
    """
    if tuple(lags) == tuple(range(shortest, longest + 1)):
        return
    tested = ", ".join(map(str, lags))
    raise UserError(
        f"data.folds: {name} trains on {shortest} to {longest} and is tested on {tested}: they cannot take turns. "
        f"Allowed: the same for both, data.shortest={longest} data.longest={longest} data.lags=[{longest}]; "
        "else draw anew with data.data_seed=1."
    )


def draw_pool(make: Make, shortest: int, longest: int, count: int, seed: int) -> Made:
    """Draws sequences for folds to divide; of equal ones the first is kept.

    Args:
        make: makes one sequence.
        shortest: lag at the least.
        longest: at the most; each between is as likely.
        count: how many are drawn.
        seed: decides the sequences.

    Returns:
        Sequences that all differ, without parts.
    """
    generator = random.Random(f"{seed} folds")
    drawn: dict[str, tuple[str, int]] = {}
    for _ in range(count):
        lag = generator.randint(shortest, longest)
        text, label = make(lag, generator)
        drawn.setdefault(text, (label, lag))
    labels, lags = zip(*drawn.values(), strict=True)
    return Made(list(drawn), list(labels), list(lags), [])


def _draw(make: Make, part: str, lags: Sequence[int], generator: random.Random) -> tuple[str, str, int]:
    for _ in range(_TRIES):
        lag = generator.choice(lags)
        text, label = make(lag, generator)
        if part_of(text) == part:
            return text, label, lag
    asked = str(lags[0]) if len(lags) == 1 else f"{lags[0]} to {lags[-1]}"
    raise UserError(
        f"there are too few sequences of lag {asked} for a {part} part of its own; ask for longer ones."
    )
