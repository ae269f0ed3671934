"""Copy memory: some letters, a long nothing, and the letters again.

Hochreiter & Schmidhuber (1997) had its idea; the form is that of Arjovsky, Shah & Bengio (2016), "Unitary evolution
recurrent neural networks", section 4.1: ten letters of eight, blanks, a mark, and blanks while the letters are said
again. Here only those answers count; the blanks between need no memory.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from lstm_lab.data.longlag.drawing import check_one_law, draw_parts, draw_pool
from lstm_lab.data.text.residues import Tagged
from lstm_lab.data.text.tagging import TaggedSequencesDataModule
from lstm_lab.errors import UserError, check_at_least

LETTERS, BLANK, MARK = "abcdefgh", "-", ":"


def copy_memory(blanks: int, generator: random.Random, letters: int = 10) -> tuple[str, str]:
    """Returns what is read, with blanks between its symbols, and the letters that are to be said at its end.

    Args:
        blanks: between the letters and the mark.
        generator: draws the letters.
        letters: how many.
    """
    said = generator.choices(LETTERS, k=letters)
    return " ".join([*said, *[BLANK] * blanks, MARK, *[BLANK] * letters]), " ".join(said)


class CopyMemoryDataModule(TaggedSequencesDataModule):
    """Letters that are said again after a long nothing; trained on some lags, tested on lags of their own.

    Args:
        name: of the data set.
        shortest: blanks between letters and mark in training, at the least.
        longest: at the most; each number between is as likely.
        lags: blanks in the test sequences.
        letters: to be remembered.
        sequences: for training, a tenth of them the validation part; with folds, those that are drawn in all.
        tests: test sequences of each lag.
        data_seed: decides the sequences.
        folds: null tests on lags of its own; a number divides into so many test parts, of the lags of training.
        fold: which of them is the test part, from 0; or ``k/n``, the k-th of n.
        batch_size: sequences of similar length in a batch.
        seed: decides the order.

    Raises:
        UserError: for lags that cannot be, or folds where the test has lags of its own.
    """

    lag_name, chance = "blanks between", 100 / len(LETTERS)

    def __init__(
        self,
        name: str = "copy_memory",
        shortest: int = 0,
        longest: int = 50,
        lags: Sequence[int] = (10, 25, 50, 75, 100),
        letters: int = 10,
        sequences: int = 10_000,
        tests: int = 100,
        data_seed: int = 0,
        folds: int | str | None = None,
        fold: int | str | None = None,
        batch_size: int = 64,
        seed: int = 0,
    ) -> None:
        super().__init__(name, folds=folds, fold=fold, batch_size=batch_size, seed=seed)
        check_at_least("data.shortest", shortest, 0)
        check_at_least("data.longest", longest, shortest)
        check_at_least("data.letters", letters, 1)
        check_at_least("data.sequences", sequences, 20)
        check_at_least("data.tests", tests, 1)
        if not lags:
            raise UserError("data.lags=[] leaves nothing to test: name at least one lag.")
        check_at_least("data.lags", min(lags), 0)
        self.shortest, self.trained_to, self.lags = shortest, longest, tuple(sorted(set(lags)))
        self.letters, self.sequences, self.tests, self.data_seed = letters, sequences, tests, data_seed
        if self.folds is not None:
            check_one_law(name, shortest, longest, self.lags)

    def read(self) -> Tagged:
        """Makes all parts, or what folds divide."""
        make = partial(copy_memory, letters=self.letters)
        law = make, self.shortest, self.trained_to, self.sequences
        if self.folds is None:
            found = draw_parts(*law, self.lags, self.tests, self.data_seed)
        else:
            found = draw_pool(*law, self.data_seed)
        rows = list(range(len(found.texts)))
        if found.parts:  # validation is drawn by the base
            rows = [row for row in rows if found.parts[row] != "validation"]
        symbols = [found.texts[row].split() for row in rows]
        labels: list[list[str | None]] = [
            [None] * (len(one) - self.letters) + list(found.labels[row].split())
            for one, row in zip(symbols, rows, strict=True)
        ]
        self._lags = torch.tensor([found.lags[row] for row in rows])
        return Tagged(symbols, labels, [found.parts[row] for row in rows if found.parts], "package")

    @property
    def protocol(self) -> str:
        """How the test is scored."""
        if self.folds is not None:
            return f"{super().protocol}; {self.letters} letters over blanks as many as in training"
        asked = ", ".join(map(str, self.lags))
        return (
            f"{self.letters} letters of {self.tests} test sequences of each lag ({asked} blanks), trained on "
            f"{self.shortest} to {self.trained_to}, none in two parts, scored once"
        )

    def lags_of(self, keys: Tensor) -> np.ndarray:
        """The lag of each sequence (N,), by its key (N,)."""
        self.setup()
        return self._lags[keys].numpy()
