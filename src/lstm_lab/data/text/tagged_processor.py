"""The processor of taggers: sequences of symbols to batches, labels of steps back to a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.text.reading import lines, read_text
from lstm_lab.data.text.tokenizer import Tokenizer
from lstm_lab.errors import UserError


class TaggedProcessor:
    """Sequences to batches, labels of steps back to a table.

    Args:
        tokenizer: trained on the training part.
        classes: names, in the order of their numbers.
        sample: a sequence of the training part.
        letters: whether every symbol is one letter, so that a sequence needs no blanks.
    """

    def __init__(self, tokenizer: Tokenizer, classes: Sequence[str], sample: str, letters: bool) -> None:
        self.tokenizer, self.classes, self.sample, self.letters = tokenizer, tuple(classes), sample, letters

    def to_plain(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "kind": "tagged",
            "tokenizer": self.tokenizer.to_plain(),
            "classes": list(self.classes),
            "sample": self.sample,
            "letters": self.letters,
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> TaggedProcessor:
        """Rebuilds what `to_plain` gave."""
        return cls(
            Tokenizer.from_plain(plain["tokenizer"]), plain["classes"], plain["sample"], plain["letters"]
        )

    def symbols(self, text: str) -> list[str]:
        """Cuts a sequence into its symbols."""
        return list("".join(text.split())) if self.letters else text.split()

    def table(self, raw: Any = None) -> pd.DataFrame:
        """Returns sequences as a table with the column ``sequence``.

        Args:
            raw: a sequence, a list of them, a path with one a line, a table, or None for a sample.
        """
        if isinstance(raw, pd.DataFrame):
            if "sequence" not in raw:
                raise UserError(f"the table has no column 'sequence'. Columns: {', '.join(map(str, raw))}.")
            return raw
        if isinstance(raw, Path):
            raw = [line for line in lines(read_text(raw)) if line.strip() and not line.startswith(">")]
        return pd.DataFrame(
            {"sequence": [self.sample] if raw is None else [raw] if isinstance(raw, str) else raw}
        )

    def to_batch(self, table: pd.DataFrame) -> Batch:
        """Returns sequences as a batch.

        Raises:
            UserError: naming a sequence that is empty or has a symbol that training did not see.
        """
        encoded = []
        for row, text in enumerate(table["sequence"], 1):
            symbols = self.symbols(str(text))
            numbers = self.tokenizer.encode(" ".join(symbols))
            if not symbols:
                raise UserError(f"sequence {row} is empty.")
            wrong = np.flatnonzero(numbers == self.tokenizer.unknown)
            if self.letters and len(wrong):
                known = "".join(sorted(self.tokenizer.symbols))
                raise UserError(
                    f"sequence {row}: '{symbols[wrong[0]]}' at place {wrong[0] + 1} was never seen. Known: {known}."
                )
            encoded.append(torch.from_numpy(numbers))
        return Batch.pad(encoded, value=self.tokenizer.pad)

    def finish(self, predictions: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns predictions as they are."""
        return predictions

    def to_frame(self, predictions: dict[str, Tensor], table: pd.DataFrame) -> pd.DataFrame:
        """Returns each sequence with its labels, in the same way of writing."""
        mark = "" if self.letters and all(len(name) == 1 for name in self.classes) else " "
        rows = zip(predictions["labels"].tolist(), predictions["lengths"].tolist(), strict=True)
        labels = [mark.join(self.classes[one] for one in row[:length]) for row, length in rows]
        return pd.DataFrame({"sequence": list(table["sequence"]), "labels": labels})

    def example(self) -> pd.DataFrame:
        """Returns one sequence of the training part."""
        return self.table(None)
