"""The LightningDataModule of taggers: sequences with a label at each step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_lab.data.base import SequenceDataModule
from lstm_lab.data.folding import SEED, Folds, complete
from lstm_lab.data.grouping import together, told
from lstm_lab.data.labels import classes_of
from lstm_lab.data.loader import ByLength
from lstm_lab.data.text.reading import digest
from lstm_lab.data.text.residues import Tagged, cb513, motifs, protein_qs, read_tagged
from lstm_lab.data.text.sequences import Ragged, Sequences
from lstm_lab.data.text.tagged_processor import TaggedProcessor
from lstm_lab.data.text.tokenizer import SPECIALS, Tokenizer, learnt
from lstm_lab.data.text.treebank import COLUMNS, made_sentences, read_conllu
from lstm_lab.errors import UserError, check_choice
from lstm_lab.spec import Spec, Target, Tokens

PARTS = ("train", "validation", "test")
IGNORED = -100  # a label that enters neither loss nor score, as torch's cross-entropy has it


class TaggedSequencesDataModule(SequenceDataModule):
    """Sequences with a label at each step; equal ones, and those of one group, never stand in two parts.

    Args:
        name: ``cb513``, ``protein_qs``, ``motifs`` and ``sentences`` (made), ``tagged`` or ``conllu``.
        path: for ``tagged``, a file with a symbol and its label a line, an empty line between sequences; for ``conllu``
            a treebank, see `lstm_lab.data.text.treebank`.
        dir: a folder to look for named sets in.
        encoding: of the file.
        classes: of secondary structure, 3 or 8.
        column: of a treebank: ``upos``, ``xpos`` or ``deprel``.
        validation: share of what is not test.
        test: share that is scored once, where the files do not say which.
        folds: null divides once; a number divides into so many test parts; ``all`` leaves one group out at a time.
        fold: which of them is the test part, from 0; or ``k/n``, the k-th of n.
        group: what must not be in two parts besides equal sequences, see `lstm_lab.data.text.residues.read_tagged` and
            `lstm_lab.data.text.treebank.read_conllu`.
        batch_size: sequences of similar length in a batch.
        seed: decides the order.

    Raises:
        UserError: if a file cannot be read, or has one label only.
    """

    def __init__(
        self,
        name: str = "tagged",
        path: str | Path | None = None,
        dir: str | None = None,
        encoding: str = "utf-8",
        classes: int = 3,
        column: str = "upos",
        validation: float = 0.1,
        test: float = 0.2,
        folds: int | str | None = None,
        fold: int | str | None = None,
        group: int | str | None = None,
        batch_size: int = 16,
        seed: int = 0,
    ) -> None:
        super().__init__(name, batch_size, seed)
        check_choice("data.classes", str(classes), ("3", "8"))
        check_choice("data.column", column, COLUMNS)
        self.column = column
        self.path, self.dir, self.encoding, self.wanted = path, dir, encoding, classes
        self.validation, self.test, self.folds = validation, test, Folds.read(folds, fold)
        self.group = None if group is None else str(group)
        if group is not None and name not in ("tagged", "conllu"):
            raise UserError(
                f"data.group={group}: {name} does not say which of its sequences belong together."
            )
        self._all: Tagged | None = None

    def setup(self, stage: str | None = None) -> None:
        """Reads, divides, and numbers symbols and labels of the training part."""
        if self._all is not None:
            return
        found = self._all = self.read()
        if not len(found):
            raise UserError(f"{found.source}: there is no sequence in it.")
        self._divide(found)
        rows = np.flatnonzero(self.parts == "train")
        texts = [" ".join(symbols) for symbols in found.symbols]
        tokenizer = learnt(self.earlier, [texts[row] for row in rows], "blank", 100_000)
        known = [label for row in rows for label in found.labels[row] if label is not None]
        self.classes = classes_of(known, found.source, self.earlier_classes(TaggedProcessor))
        letters = all(len(symbol) == 1 for symbol in tokenizer.symbols)
        sample = "".join(found.symbols[rows[0]]) if letters else texts[rows[0]]
        self._processor = TaggedProcessor(tokenizer, self.classes, sample, letters)
        self._samples = {part: self._sequences(part, texts) for part in PARTS}

    @property
    def tagged(self) -> Tagged:
        """All sequences, all parts."""
        self.setup()
        assert self._all is not None
        return self._all

    @property
    def spec(self) -> Spec:
        """What a net is built from."""
        self.setup()
        return Spec(
            inputs=Tokens(self.processor.tokenizer.size, specials=len(SPECIALS)),
            target=Target("label", len(self.classes), names=self.classes),
            length=int(self.samples("train").lengths.double().mean()),
        )

    @property
    def statistics(self) -> dict[str, Any]:
        """The number of the unknown symbol."""
        return {"unknown": Tokenizer.unknown}

    @property
    def digest(self) -> str:
        """Of all symbols and labels."""
        found = self.tagged
        return digest(str(found.symbols), str(found.labels))

    @property
    def source(self) -> str:
        """Where the sequences were read from."""
        return self.tagged.source

    @property
    def size(self) -> int:
        """All sequences."""
        return len(self.tagged)

    @property
    def fold_count(self) -> int:
        """How many folds there are; 1 where the files or a share say what the test is."""
        return 1 if self.folds is None else self.folds.size(self._groups(self.read()), self._what)

    @staticmethod
    def _groups(found: Tagged) -> np.ndarray:
        return together([" ".join(symbols) for symbols in found.symbols], found.groups)

    @property
    def _what(self) -> str:
        return "sequences" if self.group is None else f"groups by '{self.group}'"

    @property
    def protocol(self) -> str:
        """How the test is scored."""
        test = self.samples("test")
        counted = int((self._labels("test") >= 0).sum())
        alike = (
            "equal sequences" if self.group is None else f"equal sequences and those of one '{self.group}'"
        )
        fold = "" if self.group is None or self.tagged.parts else f"{alike} in one part; "
        fold = fold if self.folds is None else f"{self.folds.said}, {alike} in one fold; "
        return f"{fold}{counted:,} labels of {len(test)} sequences that count, each scored once"

    def describe(self) -> str:
        """Sequences, labels that count, classes, padding."""
        rows = []
        for part in PARTS:
            labels = self._labels(part)
            rows.append(f"{len(self.samples(part))} {part} ({int((labels >= 0).sum()):,} labels)")
        counts = torch.bincount(self._labels("train").clamp(min=-1) + 1, minlength=len(self.classes) + 1)
        left_out = f", {int(counts[0]):,} do not count" if counts[0] else ""
        classes = ", ".join(
            f"{name} {int(count):,}" for name, count in zip(self.classes, counts[1:], strict=True)
        )
        padding = 100 * self._by_length().padding
        groups = ""
        if self.group is not None:
            groups = "\n" + told(self.tagged.groups, self._groups(self.tagged), self.group, "sequences")
        return (
            f"{self.title}: {', '.join(rows)}\nlabels: {classes}{left_out}; padding {padding:.1f} %{groups}"
        )

    def _labels(self, part: str) -> Tensor:
        return self.samples(part).along["label"][0].flat

    # -- samples --------------------------------------------------------------------------------------------

    def samples(self, part: str) -> Sequences:
        """The sequences of a part."""
        self.setup()
        return self._samples[part]

    def sampler(self) -> ByLength:
        """Sequences of similar length together."""
        return self._by_length()

    def _by_length(self) -> ByLength:
        return ByLength(self.samples("train").lengths, self.batch_size, seed=self.seed)

    def evaluation_sampler(self, part: str) -> ByLength:
        """Similar lengths together, always the same."""
        return ByLength(self.samples(part).lengths, 32, noise=0.0)

    # -- reading --------------------------------------------------------------------------------------------

    def read(self) -> Tagged:
        """Reads everything; a subclass with a source of its own replaces this and nothing else."""
        if self.name == "cb513":
            return cb513(self.dir, self.wanted)
        if self.name == "protein_qs":
            return protein_qs(self.dir, self.wanted)
        if self.name == "motifs":
            return motifs()
        if self.name == "sentences":
            return made_sentences()
        if self.path is None:
            suffix = "conllu" if self.name == "conllu" else "txt"
            raise UserError(f"data={self.name} needs a file: data.path=my.{suffix}")
        if self.name == "conllu":
            return read_conllu(self.path, self.encoding, self.column, self.group)
        return read_tagged(self.path, self.encoding, self.group)

    def _divide(self, found: Tagged) -> None:
        groups = self._groups(found)
        same, test, words = [""] * len(found), self.folds or self.test, (self._what, found.source)
        self.parts = complete(found.parts, same, groups, test, self.validation, SEED, *words)

    def _sequences(self, part: str, texts: list[str]) -> Sequences:
        rows, found = np.flatnonzero(self.parts == part), self._all
        assert found is not None
        number = {name: index for index, name in enumerate(self.classes)}
        labels = []
        for row in rows:
            for place, label in enumerate(found.labels[row], 1):
                if label is not None and label not in number:
                    raise UserError(
                        f"{found.source}, sequence {row + 1}, step {place}: the label '{label}' is not among the "
                        f"training part's: {', '.join(self.classes)}."
                    )
            labels.append(
                torch.tensor([IGNORED if one is None else number[one] for one in found.labels[row]])
            )
        tokens = Ragged([self._processor.tokenizer.encode(texts[row]) for row in rows])
        return Sequences(tokens, torch.from_numpy(rows), steps={"label": (Ragged(labels), IGNORED)})
