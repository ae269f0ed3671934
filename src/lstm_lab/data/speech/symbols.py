"""Symbols of transcripts: characters as numbers, 0 the blank of CTC, and how often they follow one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lstm_lab.errors import UserError

BLANK = 0


def symbols_of(texts: Sequence[str], where: str) -> tuple[str, ...]:
    """Returns the symbols of the training transcripts in order, the blank first, as ``""``.

    Raises:
        UserError: if all transcripts are empty.
    """
    found = sorted(set("".join(texts)))
    if not found:
        raise UserError(f"{where}: all transcripts of the training part are empty.")
    return ("", *found)


def encode(text: str, symbols: Sequence[str], name: str) -> list[int]:
    """Returns a transcript as numbers.

    Raises:
        UserError: naming the clip and the first symbol that training does not know.
    """
    number = {symbol: index for index, symbol in enumerate(symbols)}
    unknown = next((one for one in text if one not in number), None)
    if unknown is not None:
        known = "".join(symbols)
        raise UserError(
            f"{name}: the transcript holds '{unknown}', which no training transcript does ({known})."
        )
    return [number[one] for one in text]


def decode(numbers: Sequence[int], symbols: Sequence[str]) -> str:
    """Returns numbers as text; blanks are left out."""
    return "".join(symbols[number] for number in numbers)


def count_ngrams(texts: Sequence[Sequence[int]], order: int) -> dict[str, dict[str, int]]:
    """Counts what follows each context of up to ``order - 1`` symbols; the blank stands for beginning and end.

    Returns:
        By context (numbers joined by spaces, the oldest first, empty for none) the count of each next symbol: plain
        data, fit for a checkpoint.
    """
    counts: dict[str, Counter[str]] = {}
    for text in texts:
        padded = [BLANK] * (order - 1) + list(text) + [BLANK]
        for place in range(order - 1, len(padded)):
            for reach in range(order):
                context = " ".join(map(str, padded[place - reach : place]))
                counts.setdefault(context, Counter())[str(padded[place])] += 1
    return {context: dict(after) for context, after in counts.items()}
