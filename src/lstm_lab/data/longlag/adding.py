"""The adding problem: two of many numbers are marked, and their sum is asked for at the end.

Hochreiter & Schmidhuber (1997), "Long short-term memory", experiment 4, in the form of Arjovsky, Shah & Bengio (2016),
"Unitary evolution recurrent neural networks", section 4.2: numbers from U(0, 1), one mark in each half, the plain sum.
Always answering 1 has a mean squared error of 1/6, the variance of the sum.

Shapes: N sequences, B of them in a batch, T steps of the longest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.base import SequenceDataModule
from lstm_lab.data.folding import Folds, divide
from lstm_lab.data.loader import ByLength, Sampler, Shuffled
from lstm_lab.data.longlag.drawing import check_one_law
from lstm_lab.errors import UserError, check_at_least
from lstm_lab.spec import Spec, Target, Values

FEATURES = ("number", "mark")
PARTS = ("train", "validation", "test")


class Numbers:
    """Sequences of numbers with marks, and their sums.

    Args:
        inputs: (N, T, 2), zero behind each end.
        lengths: (N,).
        sums: (N, 1).
        keys: (N,) the number of each; None counts them.
    """

    def __init__(self, inputs: Tensor, lengths: Tensor, sums: Tensor, keys: Tensor | None = None) -> None:
        self.inputs, self.lengths, self.sums = inputs, lengths, sums
        self.keys = torch.arange(len(lengths)) if keys is None else keys

    def __len__(self) -> int:
        return len(self.lengths)

    def gather(self, which: Tensor | slice) -> Batch:
        """Returns sequences as a batch, as wide as its longest."""
        rows = torch.arange(len(self))[which] if isinstance(which, slice) else which
        lengths = self.lengths[rows]
        longest = int(lengths.max()) if len(rows) else 0
        return Batch(self.inputs[rows, :longest], lengths, self.keys[rows], {"number": self.sums[rows]})

    def part(self, rows: Tensor) -> Numbers:
        """Some of the sequences, under their numbers here."""
        return Numbers(self.inputs[rows], self.lengths[rows], self.sums[rows], self.keys[rows])


def draw(lengths: Tensor, seed: int) -> Numbers:
    """Draws a sequence for each length (N,): one mark in its first half, one in its second."""
    generator = torch.Generator().manual_seed(seed)
    count, longest = len(lengths), int(lengths.max())
    numbers = torch.rand(count, longest, generator=generator)
    half = lengths // 2
    chance = torch.rand(2, count, generator=generator)
    places = torch.stack(
        [(chance[0] * half).long(), half + (chance[1] * (lengths - half)).long()], 1
    )  # (N, 2)
    marks = torch.zeros(count, longest).scatter_(1, places, 1.0)
    inside = torch.arange(longest) < lengths[:, None]
    inputs = torch.stack([numbers, marks], -1).masked_fill(~inside[..., None], 0.0)  # (N, T, 2)
    return Numbers(inputs, lengths, numbers.gather(1, places).sum(1, keepdim=True))


class MarkedNumbersProcessor:
    """Tables of numbers and marks to batches, answers to a table.

    Args:
        sample: (T, 2), a sequence of the training part.
    """

    def __init__(self, sample: Tensor) -> None:
        self.sample = sample

    def to_plain(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {"kind": "marked_numbers", "sample": self.sample}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> MarkedNumbersProcessor:
        """Rebuilds what `to_plain` gave."""
        return cls(plain["sample"])

    def table(self, raw: Any = None) -> pd.DataFrame:
        """Returns steps as a table: ``number``, ``mark``, and ``sequence`` where there are several.

        Args:
            raw: such a table, the path of a csv file that holds one, or None for a sample.
        """
        if raw is None:
            return pd.DataFrame(self.sample.numpy(), columns=list(FEATURES))
        if isinstance(raw, (str, Path)):
            try:
                raw = pd.read_csv(raw)
            except (OSError, ValueError) as error:
                raise UserError(f"{raw}: cannot be read as csv: {str(error).splitlines()[0]}") from None
        missing = [name for name in FEATURES if name not in raw]
        if missing:
            raise UserError(f"the table has no column '{missing[0]}'. Columns: {', '.join(map(str, raw))}.")
        return raw

    def to_batch(self, table: pd.DataFrame) -> Batch:
        """Returns the sequences of a table as a batch.

        Raises:
            UserError: naming the row that holds no number.
        """
        values = table[list(FEATURES)].apply(pd.to_numeric, errors="coerce").to_numpy(np.float32)
        wrong = np.flatnonzero(~np.isfinite(values).all(1))
        if len(wrong) or not len(values):
            where = f"row {wrong[0] + 1}" if len(wrong) else "the table"
            raise UserError(f"{where} holds no number and mark.")
        groups = [np.flatnonzero(self._sequence(table) == name) for name in self._names(table)]
        return Batch.pad([torch.from_numpy(values[rows]) for rows in groups])

    def finish(self, predictions: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns predictions as they are."""
        return predictions

    def to_frame(self, predictions: dict[str, Tensor], table: pd.DataFrame) -> pd.DataFrame:
        """Returns a row a sequence with the sum that was predicted."""
        return pd.DataFrame(
            {"sequence": self._names(table), "prediction": predictions["number"][:, 0].double().numpy()}
        )

    def example(self) -> pd.DataFrame:
        """Returns one sequence of the training part."""
        return self.table(None)

    @staticmethod
    def _sequence(table: pd.DataFrame) -> np.ndarray:
        return table["sequence"].to_numpy() if "sequence" in table else np.ones(len(table), dtype=np.int64)

    def _names(self, table: pd.DataFrame) -> list[Any]:
        return list(dict.fromkeys(self._sequence(table).tolist()))


class AddingDataModule(SequenceDataModule):
    """The adding problem, made from a seed of its own.

    Args:
        name: of the data set.
        shortest: steps of a training sequence, at the least two.
        longest: at the most; each number between is as likely.
        lags: steps of test sequences.
        sequences: in the training part; validation has a tenth of it, of the same lengths; with folds, all.
        tests: test sequences of each length.
        data_seed: decides the sequences, and with folds the division.
        folds: null tests on lengths of its own; a number divides into so many test parts, of the lengths of training.
        fold: which of them is the test part, from 0; or ``k/n``, the k-th of n.
        batch_size: sequences of similar length in a batch.
        seed: decides the order.

    Raises:
        UserError: for lengths that cannot be, or folds where the test has lengths of its own.
    """

    lag_name = "steps of the sequence"

    def __init__(
        self,
        name: str = "adding",
        shortest: int = 20,
        longest: int = 200,
        lags: Sequence[int] = (20, 50, 100, 200, 400),
        sequences: int = 20_000,
        tests: int = 500,
        data_seed: int = 0,
        folds: int | str | None = None,
        fold: int | str | None = None,
        batch_size: int = 64,
        seed: int = 0,
    ) -> None:
        super().__init__(name, batch_size, seed)
        check_at_least("data.shortest", shortest, 2)
        check_at_least("data.longest", longest, shortest)
        check_at_least("data.sequences", sequences, 10)
        check_at_least("data.tests", tests, 1)
        if not lags:
            raise UserError("data.lags=[] leaves nothing to test: name at least one length.")
        check_at_least("data.lags", min(lags), 2)
        self.shortest, self.longest, self.lags = shortest, longest, tuple(sorted(set(lags)))
        self.sequences, self.tests, self.data_seed = sequences, tests, data_seed
        self.folds = Folds.read(folds, fold)
        if self.folds is not None:
            check_one_law(name, shortest, longest, self.lags)
        self._parts: dict[str, Numbers] = {}

    def setup(self, stage: str | None = None) -> None:
        """Draws all parts, once."""
        if self._parts:
            return
        self._parts = self._drawn() if self.folds is None else self._divided(self.folds)
        train = self._parts["train"]
        self._spec = Spec(Values(FEATURES), Target("number", 1, names=("sum",)), length=self.longest)
        self._processor = MarkedNumbersProcessor(train.inputs[0, : int(train.lengths[0])])
        self._statistics = {
            "target_mean": train.sums.double().mean(0).tolist(),
            "target_std": train.sums.double().std(0).tolist(),
        }

    def _drawn(self) -> dict[str, Numbers]:
        """Parts of a seed each, the test of lengths of its own."""
        sizes = {"train": self.sequences, "validation": max(1, self.sequences // 10)}
        parts = {part: self._of(size, 3 * self.data_seed + n) for n, (part, size) in enumerate(sizes.items())}
        lengths = torch.tensor(self.lags).repeat_interleave(self.tests)
        return {**parts, "test": draw(lengths, 3 * self.data_seed + 2)}

    def _of(self, count: int, seed: int) -> Numbers:
        """So many sequences of the lengths of training."""
        generator = torch.Generator().manual_seed(seed)
        return draw(torch.randint(self.shortest, self.longest + 1, (count,), generator=generator), seed)

    def _divided(self, folds: Folds) -> dict[str, Numbers]:
        """Parts of one draw; numbers never repeat, so that every sequence is a group."""
        whole = self._of(self.sequences, 3 * self.data_seed)
        rows = divide([""] * len(whole), range(len(whole)), folds, 0.1, self.data_seed, "sequences")
        return {part: whole.part(torch.tensor(rows[part])) for part in PARTS}

    @property
    def fold_count(self) -> int:
        """How many folds there are; 1 where the test has lengths of its own."""
        return 1 if self.folds is None else self.folds.size(range(self.sequences), "sequences")

    def samples(self, part: str) -> Numbers:
        """The sequences of a part."""
        self.setup()
        return self._parts[part]

    def sampler(self) -> Sampler:
        """Sequences of similar length together."""
        if self.shortest == self.longest:
            return Shuffled(len(self.samples("train")), self.batch_size, self.seed)
        return ByLength(self.samples("train").lengths, self.batch_size, seed=self.seed)

    def evaluation_sampler(self, part: str) -> Sampler:
        """Similar lengths together, always the same."""
        return ByLength(self.samples(part).lengths, 256, noise=0.0)

    def lags_of(self, keys: Tensor) -> np.ndarray:
        """The length of each test sequence (N,), by its key (N,)."""
        test = self.samples("test")
        return test.lengths[torch.searchsorted(test.keys, keys)].numpy()

    @property
    def trained_to(self) -> int:
        """The longest sequence of training."""
        return self.longest

    @property
    def protocol(self) -> str:
        """How the test is scored."""
        if self.folds is not None:
            count = len(self.samples("test"))
            return (
                f"{self.folds.said}: {count} sequences of {self._span()} steps, as in training, scored once"
            )
        asked = ", ".join(map(str, self.lags))
        return f"{self.tests} test sequences of each length ({asked}), trained on {self._span()} steps, scored once"

    def describe(self) -> str:
        """Parts and lengths."""
        counts = ", ".join(f"{len(self.samples(part)):,} {part}" for part in PARTS)
        return f"{self.title}: {counts}; {self._span()} steps, two of them marked"

    def _span(self) -> str:
        return str(self.longest) if self.shortest == self.longest else f"{self.shortest} to {self.longest}"

    @property
    def digest(self) -> str:
        """Of all numbers."""
        found = hashlib.sha256()
        for part in PARTS:
            found.update(self.samples(part).inputs.numpy().tobytes())
        return found.hexdigest()[:16]
