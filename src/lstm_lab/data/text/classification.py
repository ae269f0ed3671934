"""The LightningDataModule of text classifiers: labelled texts in three parts or in folds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from lstm_lab.data.base import SequenceDataModule
from lstm_lab.data.folding import SEED, Folds, complete
from lstm_lab.data.grouping import together, told
from lstm_lab.data.labels import classes_of, count_classes, numbers_of
from lstm_lab.data.loader import ByLength
from lstm_lab.data.text.label_processor import LabelledTextProcessor
from lstm_lab.data.text.labelled import DNA, NAMED, Labelled, read_labelled
from lstm_lab.data.text.reading import digest
from lstm_lab.data.text.sequences import Ragged, Sequences
from lstm_lab.data.text.tokenizer import SPECIALS, Tokenizer, learnt
from lstm_lab.data.text.vectors import read_vectors
from lstm_lab.errors import UserError, check_at_least
from lstm_lab.spec import Spec, Target, Tokens

PARTS = ("train", "validation", "test")
_DNA_SETS = ("splice", "promoters")


class LabelledTextDataModule(SequenceDataModule):
    """Texts or sequences with a label each; equal texts never stand in two parts.

    Args:
        name: ``sst2``, ``splice``, ``promoters``, ``keywords`` (made) or ``labelled``.
        path: for ``labelled``, a tsv or csv table, or a folder with a folder for each class.
        dir: a folder to look for named sets in.
        encoding: of the files.
        text: column of the texts, by name or number from 1; null finds it.
        label: column of the labels.
        tokenizer: ``word``, ``blank``, ``char``, ``byte``, ``bpe`` or ``unigram``.
        vocabulary: symbols at the most, special ones included.
        minimum: how often a word has to occur in the training part.
        lower: whether text is put in lower case.
        longest: symbols that are read of a text; 0 for all.
        vectors: a file of word vectors, one a line, as GloVe and fastText have them.
        validation: share of what is not test, by which everything is chosen.
        test: share that is scored once, where the files do not say which.
        folds: null divides once; a number divides into so many test parts; ``all`` leaves one group out at a time.
        fold: which of them is the test part, from 0; or ``k/n``, the k-th of n.
        group: what must not be in two parts besides equal texts: a column of the table, or a rule over the names of
            files, see `lstm_lab.data.grouping.group_names`.
        batch_size: texts of similar length in a batch.
        seed: decides the order.

    Raises:
        UserError: if a file cannot be read, or holds one class only.
    """

    refits = True

    def __init__(
        self,
        name: str = "labelled",
        path: str | Path | None = None,
        dir: str | None = None,
        encoding: str = "utf-8",
        text: str | None = None,
        label: str | None = None,
        tokenizer: str = "word",
        vocabulary: int = 20_000,
        minimum: int = 1,
        lower: bool = False,
        longest: int = 0,
        vectors: str | Path | None = None,
        validation: float = 0.1,
        test: float = 0.2,
        folds: int | str | None = None,
        fold: int | str | None = None,
        group: str | None = None,
        batch_size: int = 32,
        seed: int = 0,
    ) -> None:
        super().__init__(name, batch_size, seed)
        check_at_least("data.longest", longest, 0)
        self.path, self.dir, self.encoding = path, dir, encoding
        self.text_column, self.label_column = text, label
        self.kind, self.vocabulary, self.minimum, self.lower = tokenizer, vocabulary, minimum, lower
        self.longest, self.vectors = longest, vectors
        self.validation, self.test, self.folds = validation, test, Folds.read(folds, fold)
        self.group_column = group
        self._all: Labelled | None = None
        self._refit = False

    # -- what the rest of the house asks --------------------------------------------------------------------

    def setup(self, stage: str | None = None) -> None:
        """Reads and divides once, and trains the tokenizer on the training part."""
        if self._all is None:
            self._all = self.read()
            self._divide()
            self._fit()

    @property
    def labelled(self) -> Labelled:
        """All texts, all parts."""
        self.setup()
        assert self._all is not None
        return self._all

    @property
    def spec(self) -> Spec:
        """What a net is built from."""
        return Spec(
            inputs=Tokens(self.processor.tokenizer.size, specials=len(SPECIALS)),
            target=Target("class", len(self.classes), names=self.classes),
            length=int(self.samples("train").lengths.double().mean()),
        )

    @property
    def statistics(self) -> dict[str, Any]:
        """Samples of each class, the number of the unknown symbol, and vectors from a file if there are some."""
        self.setup()
        found: dict[str, Any] = {"class_counts": self._counts, "unknown": Tokenizer.unknown}
        return found if self._vectors is None else {**found, "vectors": self._vectors}

    @property
    def digest(self) -> str:
        """Of all texts and labels."""
        return digest("\n".join(self.labelled.texts), "\n".join(self.labelled.labels))

    @property
    def source(self) -> str:
        """Where the texts were read from."""
        return self.labelled.source

    @property
    def size(self) -> int:
        """All texts."""
        return len(self.labelled)

    @property
    def fold_count(self) -> int:
        """How many folds there are, 1 where the files or a share say what the test is."""
        return 1 if self.folds is None else self.folds.size(self._groups(self.read()), self._what)

    def _groups(self, found: Labelled) -> np.ndarray:
        """What stays together: equal texts, and all with the same word in the column of groups."""
        return together(found.texts, found.groups)

    @property
    def _what(self) -> str:
        return "texts" if self.group_column is None else f"words in column '{self.group_column}'"

    @property
    def protocol(self) -> str:
        """How the test is scored."""
        self.setup()
        count = int((self.parts == "test").sum())
        if self.folds is not None:
            alike = "equal texts"
            alike += "" if self.group_column is None else f" and those of one '{self.group_column}'"
            return f"{self.folds.said}: {count} texts, {alike} in one fold, scored once"
        return (
            f"{count:,} test texts, scored once; chosen on {int((self.parts == 'validation').sum()):,} others"
        )

    def describe(self) -> str:
        """Parts, classes, unknown symbols, padding, and what looks wrong."""
        samples = {part: self.samples(part) for part in PARTS}
        counts = ", ".join(f"{len(one):,} {part}" for part, one in samples.items())
        unknown = ", ".join(f"{100 * self._unknown(one):.1f} %" for one in samples.values())
        classes = ", ".join(
            f"{name} {count:,}" for name, count in zip(self.classes, self._counts, strict=True)
        )
        rows = [
            f"{self.title}: {counts}; unknown symbols {unknown} of {self.processor.tokenizer.size:,}",
            f"classes of the training part: {classes}; padding {100 * self._sampler().padding:.1f} %",
        ]
        if self._overlap:
            rows.append(f"warning: {self._overlap} test texts stand in the training part as well")
        if self._duplicates:
            rows.append(f"{self._duplicates} texts repeat others; equal ones are kept together")
        if self.group_column is not None:
            found = self.labelled
            rows.append(told(found.groups, self._groups(found), self.group_column, "texts"))
        return "\n".join(rows)

    # -- samples --------------------------------------------------------------------------------------------

    def samples(self, part: str) -> Sequences:
        """The texts of a part; of ``train``, those of validation too in a refit."""
        self.setup()
        return self._samples[part]

    def sampler(self) -> ByLength:
        """Texts of similar length together."""
        return self._sampler()

    def _sampler(self) -> ByLength:
        return ByLength(self.samples("train").lengths, self.batch_size, seed=self.seed)

    def evaluation_sampler(self, part: str) -> ByLength:
        """Similar lengths together, always the same."""
        return ByLength(self.samples(part).lengths, 256, noise=0.0)

    def fit_again(self) -> None:
        """Validation texts belong to the training part from now on; the tokenizer is trained anew."""
        self.setup()
        self._refit = True
        self._fit()

    def texts(self, part: str) -> list[str]:
        """The texts of a part in the order of their keys."""
        found = self.labelled
        return [found.texts[row] for row in self._rows(part)]

    # -- reading --------------------------------------------------------------------------------------------

    def read(self) -> Labelled:
        """Reads everything; a subclass with a source of its own replaces this and nothing else."""
        if self.name in NAMED:
            if self.group_column is not None:
                raise UserError(f"data.group={self.group_column}: {self.name} has no column of groups.")
            return NAMED[self.name](self.dir)
        if self.path is None:
            raise UserError("data=labelled needs a table or a folder: data.path=my.tsv")
        return read_labelled(self.path, self.text_column, self.label_column, self.encoding, self.group_column)

    def _divide(self) -> None:
        """Gives each text its part. What the files say is kept; what they do not say is drawn."""
        found = self.labelled
        groups, labels = self._groups(found), found.labels
        classes_of(labels, found.source, self.earlier_classes(LabelledTextProcessor))
        self._duplicates = 0
        test, words = self.folds or self.test, (self._what, found.source)
        parts = complete(found.parts, labels, groups, test, self.validation, SEED, *words)
        if not found.parts:
            self._duplicates = len(found) - len(set(found.texts))
        trained = set(groups[parts == "train"].tolist())
        self._overlap = sum(group in trained for group in groups[parts == "test"].tolist())
        self.parts = parts

    def _rows(self, part: str) -> np.ndarray:
        wanted = ("train", "validation") if part == "train" and self._refit else (part,)
        return np.flatnonzero(np.isin(self.parts.astype(str), wanted))

    def _fit(self) -> None:
        found = self.labelled
        train = [found.texts[row] for row in self._rows("train")]
        tokenizer = learnt(self.earlier, train, self.kind, self.vocabulary, self.minimum, self.lower)
        known = self.earlier_classes(LabelledTextProcessor)
        self.classes = classes_of([found.labels[row] for row in self._rows("train")], found.source, known)
        letters = DNA if self.name in _DNA_SETS else ""
        self._processor = LabelledTextProcessor(
            tokenizer, self.classes, train[0], self.longest, letters, self.encoding, self.text_column
        )
        self._vectors = None if self.vectors is None else read_vectors(self.vectors, tokenizer, self.encoding)
        self._samples = {part: self._sequences(part) for part in PARTS}
        self._counts = count_classes(self._samples["train"].targets["class"], len(self.classes))

    def _sequences(self, part: str) -> Sequences:
        rows, found = self._rows(part), self.labelled
        encoded = self._processor.encode([found.texts[row] for row in rows])
        for row, one in zip(rows, encoded, strict=True):
            if not len(one):
                raise UserError(f"{found.source}, text {row + 1}: there is no symbol in it.")
        labels = numbers_of([found.labels[row] for row in rows], self.classes, f"{found.source} ({part})")
        return Sequences(Ragged(encoded), torch.from_numpy(rows), {"class": labels})

    @staticmethod
    def _unknown(samples: Sequences) -> float:
        return float((samples.tokens.flat == Tokenizer.unknown).float().mean())
