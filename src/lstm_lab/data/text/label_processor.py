"""From texts to numbers, and from class probabilities to labels: the processor of text classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.labels import label_frame
from lstm_lab.data.text.labelled import check_letters, read_labelled
from lstm_lab.data.text.reading import lines, read_text
from lstm_lab.data.text.tokenizer import Tokenizer
from lstm_lab.errors import UserError


class LabelledTextProcessor:
    """Texts to batches, probabilities to a table of labels.

    Args:
        tokenizer: trained on the training part.
        classes: names, in the order of their numbers.
        sample: a text of the training part, for signatures.
        longest: symbols that are read of a text, the rest is cut off; 0 for no bound.
        letters: the alphabet that a sequence may have; empty for any text.
        encoding: of files.
        text: column of texts in a table of files.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        classes: Sequence[str],
        sample: str,
        longest: int = 0,
        letters: str = "",
        encoding: str = "utf-8",
        text: str | None = None,
    ) -> None:
        self.tokenizer, self.classes, self.sample = tokenizer, tuple(classes), sample
        self.longest, self.letters, self.encoding, self.text = longest, letters, encoding, text

    def to_plain(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "kind": "labelled_text",
            "tokenizer": self.tokenizer.to_plain(),
            "classes": list(self.classes),
            "sample": self.sample,
            "longest": self.longest,
            "letters": self.letters,
            "encoding": self.encoding,
            "text": self.text,
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> LabelledTextProcessor:
        """Rebuilds what `to_plain` gave."""
        rest = {key: value for key, value in plain.items() if key not in ("kind", "tokenizer")}
        return cls(Tokenizer.from_plain(plain["tokenizer"]), **rest)

    def encode(self, texts: Sequence[str]) -> list[Tensor]:
        """Returns the numbers of texts, cut to the longest that is read."""
        end = self.longest or None
        return [torch.from_numpy(one)[:end] for one in self.tokenizer.encode_all(texts)]

    def table(self, raw: Any = None) -> pd.DataFrame:
        """Returns texts as a table with the column ``text``.

        Args:
            raw: a text, a list of them, a table, a path, or None for a sample. A file is a table with columns, or a
                text a line; a folder holds texts by class.
        """
        if isinstance(raw, pd.DataFrame):
            if "text" not in raw:
                raise UserError(f"the table has no column 'text'. Columns: {', '.join(map(str, raw))}.")
            return raw
        if isinstance(raw, Path):
            raw = self._read(raw)
        texts = [self.sample] if raw is None else [raw] if isinstance(raw, str) else list(raw)
        return pd.DataFrame({"text": texts})

    def _read(self, path: Path) -> list[str]:
        if path.is_dir():
            return read_labelled(path, None, None, self.encoding).texts
        rows = [line for line in lines(read_text(path, self.encoding)) if line.strip()]
        if path.suffix.lower() in (".tsv", ".csv") and any("\t" in row or "," in row for row in rows[:1]):
            return read_labelled(path, self.text, None, self.encoding).texts
        headed = path.suffix.lower() in (".tsv", ".csv") and rows[:1] in (["text"], [self.text])
        return rows[1:] if headed else rows

    def to_batch(self, table: pd.DataFrame) -> Batch:
        """Returns texts as a batch.

        Raises:
            UserError: naming a text that is empty or has letters that do not belong there.
        """
        texts = [str(text) for text in table["text"]]
        if self.letters:
            texts = [
                check_letters("".join(text.split()).upper(), self.letters, f"sequence {row}")
                for row, text in enumerate(texts, 1)
            ]
        encoded = self.encode(texts)
        for row, one in enumerate(encoded, 1):
            if not len(one):
                raise UserError(f"text {row} is empty.")
        return Batch.pad(encoded, value=self.tokenizer.pad)

    def finish(self, predictions: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns predictions as they are."""
        return predictions

    def to_frame(self, predictions: dict[str, Tensor], table: pd.DataFrame) -> pd.DataFrame:
        """Returns each text with its label and the probabilities of the classes."""
        found = label_frame(predictions["probabilities"], self.classes)
        found.insert(0, "text", list(table["text"]))
        return found

    def example(self) -> pd.DataFrame:
        """Returns one text of the training part."""
        return self.table(None)
