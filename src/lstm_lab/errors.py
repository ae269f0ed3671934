"""What a user's mistake looks like: one line, exit code 2, no traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake of the user's (a key, an option, a file), told in one line.

    Doors print the message and leave with exit code 2; nothing is recorded. In Python it is an ordinary
    exception whose text says what is wrong, where, and what is allowed.
    """


class DivergedError(Exception):
    """Training produced NaN or infinity; the run has failed, its last good checkpoint is kept."""


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Returns `` Did you mean 'x'?`` for the closest allowed word, or an empty string if none is close."""
    found = difflib.get_close_matches(word, [str(option) for option in allowed], n=1, cutoff=0.6)
    return f" Did you mean '{found[0]}'?" if found else ""


def check_choice(name: str, value: object, allowed: Iterable[str]) -> None:
    """Raises `UserError` naming `name`, the value, the nearest right one and all that are allowed."""
    options = list(allowed)
    if value not in options:
        raise UserError(
            f"{name}={value} is not known.{nearest(str(value), options)} Allowed: {', '.join(options)}."
        )


def check_at_least(name: str, value: float, minimum: float) -> None:
    """Raises `UserError` unless ``value >= minimum``."""
    if not value >= minimum:
        raise UserError(f"{name}={value} is too small: it must be at least {minimum}.")
