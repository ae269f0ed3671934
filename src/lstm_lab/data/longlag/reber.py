"""The continual embedded Reber grammar: an endless stream of strings with nothing between them.

Gers, Schmidhuber & Cummins (2000), "Learning to forget: continual prediction with LSTM", section 3. Each string begins
with B and T or P, holds a string of Reber's grammar, and ends with *the same* T or P and E. Nobody says where a string
ends: a network that cannot forget carries all of the past along.
"""

from __future__ import annotations

import math
import random

import torch
from torch import Tensor

from lstm_lab.data.folding import Folds
from lstm_lab.data.text.corpus import Corpus
from lstm_lab.data.text.language import TextDataModule
from lstm_lab.errors import check_at_least

# Where each state of the grammar may go, with the symbol on the way; both ways are as likely.
_WAYS = {
    1: (("T", 2), ("P", 3)),
    2: (("S", 2), ("X", 4)),
    3: (("T", 3), ("V", 5)),
    4: (("X", 3), ("S", 6)),
    5: (("P", 4), ("V", 6)),
}
_END = 6


def reber(generator: random.Random) -> list[str]:
    """Returns a string of Reber's grammar, from B to E."""
    symbols, state = ["B"], 1
    while state != _END:
        symbol, state = _WAYS[state][generator.random() < 0.5]
        symbols.append(symbol)
    return [*symbols, "E"]


def embedded(generator: random.Random) -> list[str]:
    """Returns a string of the embedded grammar: the symbol before the last repeats the second."""
    inner, outer = reber(generator), "TP"[generator.random() < 0.5]
    return ["B", outer, *inner, outer, "E"]


def nats(strings: list[list[str]]) -> float:
    """Nats per symbol of a stream that nobody can go below: a choice of two at each step of a string but four."""
    choices = sum(
        len(one) - 5 for one in strings
    )  # not B, B, E, the repeated symbol and E; the outer one is a choice
    return math.log(2) * choices / sum(map(len, strings))


class ContinualReberDataModule(TextDataModule):
    """A stream of embedded Reber strings, read with a state that is carried along and never set back on the way.

    Args:
        name: of the data set.
        strings: of the training stream; validation has a tenth of it; with folds, all.
        tests: strings of the test stream, which one reader reads from end to end.
        data_seed: decides the streams.
        folds: null draws a stream for each part; a number cuts one into so many stretches that are the test in turn.
        fold: which of them is the test part, from 0; or ``k/n``, the k-th of n.
        batch_size: readers of the training stream.
        bptt: steps through which gradients flow.
        seed: taken for the sake of the house; the order of a stream is fixed.
    """

    def __init__(
        self,
        name: str = "reber",
        strings: int = 20_000,
        tests: int = 2_000,
        data_seed: int = 0,
        folds: int | str | None = None,
        fold: int | str | None = None,
        batch_size: int = 20,
        bptt: int = 35,
        seed: int = 0,
    ) -> None:
        super().__init__(
            name, tokenizer="blank", folds=folds, fold=fold, batch_size=batch_size, bptt=bptt, seed=seed
        )
        check_at_least("data.strings", strings, 10)
        check_at_least("data.tests", tests, 1)
        self.strings, self.tests, self.data_seed = strings, tests, data_seed

    def read(self) -> Corpus:
        """Makes the streams of all parts."""
        found = self._drawn() if self.folds is None else self._cut(self.folds)
        texts = {
            part: " ".join(symbol for one in strings for symbol in one) for part, strings in found.items()
        }
        self._recalled = torch.tensor([len(one) for one in found["test"]]).cumsum(0) - 2
        return Corpus(texts["train"], texts["validation"], texts["test"], "package", nats(found["test"]))

    def _drawn(self) -> dict[str, list[list[str]]]:
        sizes = {"train": self.strings, "validation": max(10, self.strings // 10), "test": self.tests}
        return {part: self._strings(part, size) for part, size in sizes.items()}

    def _strings(self, part: str, count: int) -> list[list[str]]:
        generator = random.Random(f"{self.data_seed} {part}")
        return [embedded(generator) for _ in range(count)]

    def _cut(self, folds: Folds) -> dict[str, list[list[str]]]:
        """Whole strings of one stream, read as a ring: a stretch is the test, the strings before it validate."""
        count, whole = folds.size(range(self.strings), "strings"), self._strings("folds", self.strings)
        start, end = (self.strings * number // count for number in (folds.number, folds.number + 1))
        rest = whole[end:] + whole[:start]
        cut = len(rest) - max(1, self.strings // 10)
        return {"train": rest[:cut], "validation": rest[cut:], "test": whole[start:end]}

    def folded(self, corpus: Corpus) -> Corpus:
        """The corpus as it is: it was cut between its strings."""
        return corpus

    lag_name, trained_to, chance = "symbols read since the stream began", None, 50.0

    @property
    def recalled(self) -> Tensor:
        """The places of the test stream at which the second symbol of a string comes again."""
        self.setup()
        return self._recalled
