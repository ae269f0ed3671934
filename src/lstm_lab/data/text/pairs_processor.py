"""From a sentence to numbers, and from what a model wrote back to sentences: the processor of translators."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.text.reading import lines, read_text
from lstm_lab.data.text.tokenizer import Tokenizer, join, split
from lstm_lab.errors import UserError

_SPLITS = ("word", "blank")  # kinds whose unknown symbols stand for one word of the source


class PairsProcessor:
    """Sources to batches, and written symbols to text.

    Args:
        source: tokenizer of the source.
        target: of the target; None if both sides have one.
        limit: symbols that a source may have at the most.
        sample: a source from the training part, for signatures and where none is given.
        encoding: of files that sources may be read from.
        replace_unknown: an unknown word is replaced by the word of the source that was looked at most (Luong et al.
            2015, "Addressing the rare word problem").
        context: turns of a dialogue that a source holds, a line each; 1 where it is a single text.
    """

    def __init__(
        self,
        source: Tokenizer,
        target: Tokenizer | None,
        limit: int,
        sample: str,
        encoding: str = "utf-8",
        replace_unknown: bool = False,
        context: int = 1,
    ) -> None:
        self.source, self.target, self.shared = source, target or source, target is None
        self.limit, self.sample, self.encoding = limit, sample, encoding
        self.replace_unknown, self.context = replace_unknown, context

    def to_plain(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "kind": "pairs",
            "source": self.source.to_plain(),
            "target": None if self.shared else self.target.to_plain(),
            "limit": self.limit,
            "sample": self.sample,
            "encoding": self.encoding,
            "replace_unknown": self.replace_unknown,
            "context": self.context,
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> PairsProcessor:
        """Rebuilds what `to_plain` gave."""
        rest = {key: value for key, value in plain.items() if key not in ("kind", "source", "target")}
        target = plain["target"] and Tokenizer.from_plain(plain["target"])
        return cls(Tokenizer.from_plain(plain["source"]), target, **rest)

    def table(self, raw: Any = None) -> pd.DataFrame:
        """Returns sources as a table with the column ``source``.

        Args:
            raw: a text, a list of them, a path with one a line, a table, or None for a sample.
        """
        if isinstance(raw, pd.DataFrame):
            if "source" not in raw:
                raise UserError(f"the table has no column 'source'. Columns: {', '.join(map(str, raw))}.")
            return raw
        if isinstance(raw, Path):
            raw = lines(read_text(raw, self.encoding))
        sources = [self.sample] if raw is None else [raw] if isinstance(raw, str) else list(raw)
        return pd.DataFrame({"source": sources})

    def to_batch(self, table: pd.DataFrame) -> Batch:
        """Returns sources as a batch; symbols that training did not see become the unknown one, with a warning.

        Raises:
            UserError: for a source that is empty or longer than the limit, naming its row.
        """
        texts = [str(text).strip() for text in table["source"]]
        numbers = self.source.encode_all(texts)
        for row, (text, encoded) in enumerate(zip(texts, numbers, strict=True), 1):
            if not len(encoded):
                raise UserError(f"sentence {row} is empty.")
            if len(encoded) > self.limit:
                raise UserError(
                    f"sentence {row} has {len(encoded)} symbols, more than the {self.limit} that training allowed "
                    f"(data.longest): divide it. It begins {text[:40]!r}."
                )
            unknown = int((encoded == self.source.unknown).sum())
            if unknown and not self.replace_unknown:
                print(
                    f"sentence {row}: {unknown} of {len(encoded)} symbols were never seen in training and are read "
                    "as unknown.",
                    file=sys.stderr,
                )
        return Batch.pad([torch.from_numpy(one) for one in numbers], value=self.source.pad)

    def finish(self, predictions: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns predictions as they are."""
        return predictions

    def to_frame(self, predictions: dict[str, Tensor], table: pd.DataFrame) -> pd.DataFrame:
        """Returns ``source``, ``translation``, ``rank`` from 1 and ``score``, the log probability in nats.

        Hypotheses that differ in their symbols but not in their text are one: the first of them.
        """
        rows: list[tuple[Any, str, int, float]] = []
        written, scores = predictions["written"].tolist(), predictions["score"].tolist()
        for place, source in enumerate(table["source"]):
            seen: list[str] = []
            for number, (symbols, score) in enumerate(zip(written[place], scores[place], strict=True)):
                if score == -float("inf"):
                    continue
                looked = predictions["attention"][place] if number == 0 else None
                text = self.text(symbols, str(source), looked)
                if text not in seen:
                    seen.append(text)
                    rows.append((source, text, len(seen), score))
        return pd.DataFrame(rows, columns=["source", "translation", "rank", "score"])

    def text(self, symbols: list[int], source: str, attention: Tensor | None = None) -> str:
        """Returns written symbols as text.

        Args:
            symbols: numbers, padding after their end.
            source: what was translated.
            attention: (L, S) of each symbol, for words that are unknown.
        """
        unknown = self.target.unknown
        apart = self.source.kind in _SPLITS and self.target.kind in _SPLITS
        if not (self.replace_unknown and apart and attention is not None and unknown in symbols):
            return self.target.decode(symbols)
        words = split(source.strip(), self.source.kind)
        pieces = [
            words[int(attention[place, : len(words)].argmax())]
            if number == unknown
            else self.target.symbol(number)
            for place, number in enumerate(symbols)
            if number not in (self.target.pad, self.target.bos, self.target.eos)
        ]
        return join(pieces)

    def example(self) -> pd.DataFrame:
        """Returns one source of the training part."""
        return self.table(None)
