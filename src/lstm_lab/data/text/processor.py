"""From a prompt to numbers and back: the processor of language models."""

from __future__ import annotations

import sys
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


class TextProcessor:
    """Prompts to batches, and what was written after them back to text.

    Args:
        tokenizer: trained on the training part.
        start: number of the symbol that an empty prompt begins with, such as the end of a line.
        sample: some words of the training part, for signatures and as a prompt where none is given.
        encoding: of the files that prompts may be read from.
    """

    def __init__(self, tokenizer: Tokenizer, start: int, sample: str, encoding: str = "utf-8") -> None:
        self.tokenizer, self.start, self.sample, self.encoding = tokenizer, start, sample, encoding

    def to_plain(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "kind": "text",
            "tokenizer": self.tokenizer.to_plain(),
            "start": self.start,
            "sample": self.sample,
            "encoding": self.encoding,
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> TextProcessor:
        """Rebuilds what `to_plain` gave."""
        rest = {key: value for key, value in plain.items() if key not in ("kind", "tokenizer")}
        return cls(Tokenizer.from_plain(plain["tokenizer"]), **rest)

    def table(self, raw: Any = None) -> pd.DataFrame:
        """Returns prompts as a table with the column ``prompt``.

        Args:
            raw: a text, a list of them, a path whose lines are prompts, a table, or None for a sample.
        """
        if isinstance(raw, pd.DataFrame):
            if "prompt" not in raw:
                raise UserError(f"the table has no column 'prompt'. Columns: {', '.join(map(str, raw))}.")
            return raw
        if isinstance(raw, Path):
            raw = lines(read_text(raw, self.encoding))
        prompts = [self.sample] if raw is None else [raw] if isinstance(raw, str) else list(raw)
        return pd.DataFrame({"prompt": prompts})

    def to_batch(self, table: pd.DataFrame) -> Batch:
        """Returns prompts as a batch; symbols that training did not see become the unknown one, with a warning.

        Raises:
            UserError: if a prompt holds no known symbol at all.
        """
        prompts = [str(prompt) for prompt in table["prompt"]]
        numbers = self.tokenizer.encode_all(prompts)
        for row, (prompt, encoded) in enumerate(zip(prompts, numbers, strict=True), 1):
            unknown = int((encoded == self.tokenizer.unknown).sum())
            if unknown and unknown == len(encoded):
                raise UserError(
                    f"prompt {row}: no symbol of {prompt[:40]!r} was seen in training. Try: {self.sample[:40]!r}."
                )
            if unknown:
                print(
                    f"prompt {row}: {unknown} of {len(encoded)} symbols were never seen in training and are read as "
                    "unknown.",
                    file=sys.stderr,
                )
        start = np.array([self.start])
        return Batch.pad(
            [torch.from_numpy(one if len(one) else start) for one in numbers], value=self.tokenizer.pad
        )

    def finish(self, predictions: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns predictions as they are."""
        return predictions

    def to_frame(self, predictions: dict[str, Tensor], table: pd.DataFrame) -> pd.DataFrame:
        """Returns ``prompt`` and ``text``, the prompt with what was written after it."""
        texts = []
        for prompt, written in zip(table["prompt"], predictions["written"].tolist(), strict=True):
            known = self.tokenizer.encode(prompt).tolist()
            before, whole = self.tokenizer.decode(known), self.tokenizer.decode([*known, *written])
            # Spaces between words depend on both sides, so the whole is decoded; the prompt stays as it was given.
            after = whole[len(before) :] if whole.startswith(before) else self.tokenizer.decode(written)
            texts.append(prompt + after)
        return pd.DataFrame({"prompt": list(table["prompt"]), "text": texts})

    def example(self) -> pd.DataFrame:
        """Returns one prompt from the training part."""
        return self.table(None)
