"""Pairs that need no file: dates as people write them, words backwards, sums. Each source stands in a set once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np

from lstm_lab.errors import UserError

_ORDINALS = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}
# {d} day, {m} month, {y} year as numbers, {o} the day as in "3rd"; %-codes as strftime has them.
_STYLES = (
    "{d} %B {y}", "%B {d}, {y}", "{d} %b {y}", "%b {d}, {y}", "%A, {d} %B {y}", "%a %b {d} {y}", "the {o} of %B {y}",
    "%B {o} {y}", "{d}.{m}.{y}", "{m}/{d}/{y}", "{y}/{m}/{d}", "%d.%m.{y}", "%m/%d/{y}", "{d}-%b-{y}",
)  # fmt: skip


def dates(count: int, generator: np.random.Generator) -> list[tuple[str, str]]:
    """Days from 1900 to 2099 in fourteen styles, and in ISO 8601: "the 3rd of May 1979", "1979-05-03".

    With dots the day comes first, as in German; with slashes the month, as in American English.
    """
    first, days = dt.date(1900, 1, 1), (dt.date(2100, 1, 1) - dt.date(1900, 1, 1)).days

    def one() -> tuple[str, str]:
        day = first + dt.timedelta(int(generator.integers(days)))
        ordinal = f"{day.day}{_ORDINALS.get(day.day, 'th')}"
        style = _STYLES[int(generator.integers(len(_STYLES)))]
        text = day.strftime(style).format(d=day.day, m=day.month, y=day.year, o=ordinal)
        return (text.lower() if generator.random() < 0.3 else text), day.isoformat()

    return _distinct(count, one)


def reverse(count: int, generator: np.random.Generator) -> list[tuple[str, str]]:
    """Three to fifteen letters, and the same backwards."""

    def one() -> tuple[str, str]:
        letters = generator.integers(ord("a"), ord("z") + 1, size=int(generator.integers(3, 16)))
        text = "".join(map(chr, letters))
        return text, text[::-1]

    return _distinct(count, one)


def addition(count: int, generator: np.random.Generator) -> list[tuple[str, str]]:
    """Sums of two numbers of up to three digits: "535+61", "596" (Zaremba & Sutskever 2014, "Learning to execute")."""

    def one() -> tuple[str, str]:
        first, second = (int(generator.integers(10 ** int(generator.integers(1, 4)))) for _ in range(2))
        return f"{first}+{second}", str(first + second)

    return _distinct(count, one)


def _distinct(count: int, one: Callable[[], tuple[str, str]]) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    again = 0
    while (
        again < 10_000 and len(found) < count
    ):  # so many in a row that were there already: there are no more
        source, target = one()
        again = again + 1 if source in found else 0
        found.setdefault(source, target)
    if len(found) == count:
        return list(found.items())
    raise UserError(
        f"data.count={count} is more than there are different ones. Try data.count={len(found) // 2}."
    )


MADE: dict[str, Callable[[int, np.random.Generator], list[tuple[str, str]]]] = {
    "dates": dates,
    "reverse": reverse,
    "addition": addition,
}
"""Every made set by its name."""
