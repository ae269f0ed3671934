"""The processor of gap filling: sequences with a gap to batches, and what fills it back into its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.text.labelled import check_letters
from lstm_lab.data.text.reading import lines, read_text
from lstm_lab.data.text.tokenizer import Tokenizer
from lstm_lab.errors import UserError

_GAP = re.compile(r"_+")


class GapProcessor:
    """Sequences with a gap, written as ``_`` for each missing symbol, to batches and back.

    Args:
        tokenizer: trained on the training part.
        sample: a sequence of the training part.
        letters: the alphabet; empty for any text.
    """

    def __init__(self, tokenizer: Tokenizer, sample: str, letters: str = "") -> None:
        self.tokenizer, self.sample, self.letters = tokenizer, sample, letters

    def to_plain(self) -> dict[str, Any]:
        """Everything as plain data."""
        plain = {"tokenizer": self.tokenizer.to_plain(), "sample": self.sample, "letters": self.letters}
        return {"kind": "gaps", **plain}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> GapProcessor:
        """Rebuilds what `to_plain` gave."""
        return cls(Tokenizer.from_plain(plain["tokenizer"]), plain["sample"], plain["letters"])

    def table(self, raw: Any = None) -> pd.DataFrame:
        """Returns sequences as a table with the column ``sequence``; None takes a sample with a gap in its middle."""
        if isinstance(raw, pd.DataFrame):
            if "sequence" not in raw:
                raise UserError(f"the table has no column 'sequence'. Columns: {', '.join(map(str, raw))}.")
            return raw
        if isinstance(raw, Path):
            raw = [
                line.strip() for line in lines(read_text(raw)) if line.strip() and not line.startswith(">")
            ]
        if raw is None:
            middle = len(self.sample) // 2
            raw = self.sample[:middle] + "_" + self.sample[middle + 1 :]
        return pd.DataFrame({"sequence": [raw] if isinstance(raw, str) else list(raw)})

    def to_batch(self, table: pd.DataFrame) -> Batch:
        """Returns sequences as a batch; the gap holds the unknown symbol.

        Raises:
            UserError: naming a sequence without a gap, with several, or with a letter that does not belong there.
        """
        tokens, starts, sizes = [], [], []
        for row, text in enumerate(map(str, table["sequence"]), 1):
            text = text.upper() if self.letters else text
            gaps = list(_GAP.finditer(text))
            if len(gaps) != 1:
                raise UserError(
                    f"sequence {row} has {len(gaps)} gaps. Write one gap, as many _ as symbols are missing: ACG__TCA."
                )
            if self.letters:
                check_letters(text.replace("_", ""), self.letters, f"sequence {row}")
            before = self.tokenizer.encode(text[: gaps[0].start()])
            behind = self.tokenizer.encode(text[gaps[0].end() :])
            size = gaps[0].end() - gaps[0].start()
            hole = np.full(size, self.tokenizer.unknown)
            tokens.append(torch.from_numpy(np.concatenate([before, hole, behind])))
            starts.append(len(before))
            sizes.append(size)
        batch = Batch.pad(tokens, value=self.tokenizer.pad)
        batch.targets.update(start=torch.tensor(starts), size=torch.tensor(sizes))
        return batch

    def finish(self, predictions: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns predictions as they are."""
        return predictions

    def to_frame(self, predictions: dict[str, Tensor], table: pd.DataFrame) -> pd.DataFrame:
        """Returns each sequence, what fills its gap, the whole, and the bits of the filling."""
        rows = zip(
            table["sequence"], predictions["filled"].tolist(), predictions["size"].tolist(), strict=True
        )
        found, whole = [], []
        for text, symbols, size in rows:
            found.append(self.tokenizer.decode(symbols[:size]))
            whole.append(_GAP.sub(found[-1].replace("\\", r"\\"), text, count=1))
        bits = predictions["bits"].double().numpy()
        return pd.DataFrame(
            {"sequence": list(table["sequence"]), "filled": found, "text": whole, "bits": bits}
        )

    def example(self) -> pd.DataFrame:
        """Returns a sequence of the training part with a gap in its middle."""
        return self.table(None)
