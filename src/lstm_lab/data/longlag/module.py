"""The LightningDataModule of made sequences with one label each, scored by how far back the answer lies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lstm_lab.data.longlag.agreement import first_noun, nearest_noun, sentence
from lstm_lab.data.longlag.classic import parity, temporal_order
from lstm_lab.data.longlag.drawing import Make, check_one_law, draw_parts, draw_pool
from lstm_lab.data.text.classification import LabelledTextDataModule
from lstm_lab.data.text.labelled import Labelled
from lstm_lab.errors import UserError, check_at_least, check_choice


@dataclass(frozen=True)
class Kind:
    """A kind of made sequence.

    Attributes:
        make: makes one.
        lag: what a lag counts, for axes and tables.
        least: the smallest lag that there is.
        rules: rules of thumb by name, each from a sequence to a label, that a model has to beat.
    """

    make: Make
    lag: str
    least: int = 1
    rules: tuple[tuple[str, Callable[[str], str]], ...] = ()


KINDS = {
    "agreement": Kind(
        sentence,
        "words between noun and verb",
        rules=(("nearest noun", nearest_noun), ("first noun", first_noun)),
    ),
    "temporal_order": Kind(temporal_order, "steps of the sequence", 10),
    "parity": Kind(parity, "bits"),
}


class LongLagDataModule(LabelledTextDataModule):
    """Made sequences: trained on some lags, tested on lags of their own, longer ones among them.

    All parts are drawn once from `data_seed`, so that runs of different `seed` learn from and are scored on the same
    sequences. No sequence stands in two parts.

    Args:
        name: one of `KINDS`.
        shortest: lag of training sequences, at the least.
        longest: at the most.
        lags: of test sequences.
        sequences: in the training part; validation has a tenth of it; with folds, those that are drawn in all.
        tests: test sequences of each lag.
        data_seed: decides the sequences.
        folds: null tests on lags of its own; a number divides into so many test parts, of the lags of training.
        fold: which of them is the test part, from 0; or ``k/n``, the k-th of n.
        batch_size: sequences of similar length in a batch.
        seed: decides the order.

    Raises:
        UserError: for lags that cannot be, or folds where the test has lags of its own.
    """

    def __init__(
        self,
        name: str = "agreement",
        shortest: int = 1,
        longest: int = 40,
        lags: Sequence[int] = (3, 5, 10, 20, 30, 40, 50, 60, 70, 80),
        sequences: int = 20_000,
        tests: int = 500,
        data_seed: int = 0,
        folds: int | str | None = None,
        fold: int | str | None = None,
        batch_size: int = 64,
        seed: int = 0,
    ) -> None:
        check_choice("data.name", name, KINDS)
        super().__init__(name, tokenizer="blank", folds=folds, fold=fold, batch_size=batch_size, seed=seed)
        self.made = KINDS[name]
        check_at_least("data.shortest", shortest, self.made.least)
        check_at_least("data.longest", longest, shortest)
        check_at_least("data.sequences", sequences, 10)
        check_at_least("data.tests", tests, 1)
        if not lags:
            raise UserError("data.lags=[] leaves nothing to test: name at least one lag.")
        check_at_least("data.lags", min(lags), self.made.least)
        self.shortest, self.longest_lag, self.lags = shortest, longest, tuple(sorted(set(lags)))
        self.sequences, self.tests, self.data_seed = sequences, tests, data_seed
        if self.folds is not None:
            check_one_law(name, shortest, longest, self.lags)

    def read(self) -> Labelled:
        """Makes all parts, or what folds divide."""
        law = self.made.make, self.shortest, self.longest_lag, self.sequences
        if self.folds is None:
            found = draw_parts(*law, self.lags, self.tests, self.data_seed)
        else:
            found = draw_pool(*law, self.data_seed)
        self._lags = torch.tensor(found.lags)
        return Labelled(found.texts, found.labels, found.parts, "package")

    @property
    def protocol(self) -> str:
        """How the test is scored."""
        if self.folds is not None:
            return f"{super().protocol}; {self.lag_name}: {self.lags[0]} to {self.lags[-1]}, as in training"
        return (
            f"{self.tests} test sequences of each of {len(self.lags)} lags ({self.lag_name}: {self.lags[0]} to "
            f"{self.lags[-1]}), trained on {self.shortest} to {self.longest_lag}, none in two parts, scored once"
        )

    @property
    def lag_name(self) -> str:
        """What a lag counts."""
        return self.made.lag

    @property
    def trained_to(self) -> int:
        """The longest lag of training."""
        return self.longest_lag

    @property
    def chance(self) -> float:
        """What guessing reaches, in %."""
        return 100 / self.spec.target.size

    def lags_of(self, keys: Tensor) -> np.ndarray:
        """The lag of each sample (N,), by its key (N,)."""
        self.setup()
        return self._lags[keys].numpy()

    def rules(self) -> dict[str, np.ndarray]:
        """What rules of thumb say of each test sample, (N,) class numbers in the order of their keys."""
        number = {name: place for place, name in enumerate(self.spec.target.names)}
        return {
            name: np.array([number[rule(text)] for text in self.texts("test")])
            for name, rule in self.made.rules
        }
