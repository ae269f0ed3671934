"""The LightningDataModule of gap filling: sequences of which any part may be missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lstm_lab.data.base import SequenceDataModule
from lstm_lab.data.files import find
from lstm_lab.data.folding import SEED, Folds, complete
from lstm_lab.data.grouping import group_names, together, told
from lstm_lab.data.loader import ByLength
from lstm_lab.data.text.fasta import STRAND, read_fasta, reverse_complement
from lstm_lab.data.text.gaps_processor import GapProcessor
from lstm_lab.data.text.labelled import DNA
from lstm_lab.data.text.reading import digest, lines, read_text
from lstm_lab.data.text.sequences import Ragged, Sequences
from lstm_lab.data.text.tokenizer import SPECIALS, Tokenizer, learnt
from lstm_lab.errors import UserError, check_choice
from lstm_lab.spec import Spec, Target, Tokens

PARTS = ("train", "validation", "test")
_BASES = "ACGT"


@dataclass(frozen=True)
class Texts:
    """Sequences, and what belongs together.

    Attributes:
        texts: N sequences.
        source: where they were read from.
        groups: of each, what must not stand in two parts; empty where only equal sequences belong together.
    """

    texts: list[str]
    source: str
    groups: tuple[str, ...] = ()


class GapDataModule(SequenceDataModule):
    """Sequences for gap filling; equal ones, and those of one group, never stand in two parts.

    Args:
        name: ``arabidopsis``, ``mirrors`` (made), ``fasta`` or ``lines`` (a text, each line a sequence).
        path: the file, for ``fasta`` and ``lines``.
        dir: a folder to look for named sets in.
        encoding: of the file.
        strands: whether training sees each sequence of DNA and its reverse complement.
        validation: share of what is not test.
        test: share that is scored once.
        folds: null divides once; a number divides into so many test parts; ``all`` leaves one group out at a time.
        fold: which of them is the test part, from 0; or ``k/n``, the k-th of n.
        group: a rule that finds in the name of a record what must not be in two parts besides equal sequences, see
            `lstm_lab.data.grouping.group_names`.
        batch_size: sequences of similar length in a batch.
        seed: decides the order.

    Raises:
        UserError: if a file cannot be read or has letters that do not belong there.
    """

    def __init__(
        self,
        name: str = "fasta",
        path: str | Path | None = None,
        dir: str | None = None,
        encoding: str = "utf-8",
        strands: bool = True,
        validation: float = 0.1,
        test: float = 0.1,
        folds: int | str | None = None,
        fold: int | str | None = None,
        group: str | None = None,
        batch_size: int = 32,
        seed: int = 0,
    ) -> None:
        super().__init__(name, batch_size, seed)
        check_choice("data.name", name, ("arabidopsis", "mirrors", "fasta", "lines"))
        self.path, self.dir, self.encoding, self.strands = path, dir, encoding, strands
        self.validation, self.test, self.folds = validation, test, Folds.read(folds, fold)
        self.group, self.is_dna = group, name in ("arabidopsis", "fasta")
        if group is not None and not self.is_dna:
            raise UserError(f"data.group={group} finds groups in names of records; {name} has none.")
        self._texts: dict[str, list[str]] = {}

    def setup(self, stage: str | None = None) -> None:
        """Reads and divides once, and numbers the letters of the training part."""
        if self._texts:
            return
        self._found = self.read()
        texts, parts = self._found.texts, self._divide(self._found)
        train = [texts[row] for row in np.flatnonzero(parts == "train")]
        known = [*train, _BASES] if self.is_dna else train
        tokenizer = learnt(self.earlier, known, "char")
        self._processor = GapProcessor(tokenizer, train[0], DNA if self.is_dna else "")
        self._keys = {part: np.flatnonzero(parts == part) for part in PARTS}
        self._samples = {
            part: self._sequences([texts[row] for row in self._keys[part]], part) for part in PARTS
        }
        self._texts = {part: [texts[row] for row in self._keys[part]] for part in PARTS}

    def _divide(self, found: Texts) -> np.ndarray:
        """Returns (N,) the part of each sequence."""
        same, test = [""] * len(found.texts), self.folds or self.test
        return complete((), same, self._groups(found), test, self.validation, SEED, self._what)

    @staticmethod
    def _groups(found: Texts) -> np.ndarray:
        return together(found.texts, found.groups)

    @property
    def _what(self) -> str:
        return "sequences" if self.group is None else f"groups by '{self.group}'"

    @property
    def fold_count(self) -> int:
        """How many folds there are; 1 where a share says what the test is."""
        return 1 if self.folds is None else self.folds.size(self._groups(self.read()), self._what)

    @property
    def spec(self) -> Spec:
        """What a net is built from."""
        size = self.processor.tokenizer.size
        length = int(self.samples("train").lengths.double().mean())
        return Spec(
            Tokens(size, specials=len(SPECIALS)), Target("gap", size), unit="bits per symbol", length=length
        )

    @property
    def statistics(self) -> dict[str, Any]:
        """The number of the unknown symbol, and for DNA that of each letter on the other strand."""
        tokenizer = self.processor.tokenizer
        found: dict[str, Any] = {"unknown": Tokenizer.unknown}
        if self.is_dna:
            other = [int(tokenizer.encode(STRAND[letter])[0]) for letter in tokenizer.symbols]
            found["complement"] = [*range(len(SPECIALS)), *other]
        return found

    @property
    def digest(self) -> str:
        """Of all sequences."""
        self.setup()
        return digest(*("\n".join(self._texts[part]) for part in PARTS))

    @property
    def source(self) -> str:
        """Where the sequences were read from."""
        self.setup()
        return self._found.source

    @property
    def size(self) -> int:
        """All sequences."""
        self.setup()
        return sum(map(len, self._texts.values()))

    @property
    def protocol(self) -> str:
        """How the test is scored."""
        count = int((self.samples("test").along["gap"][0].flat >= 0).sum())
        alike = (
            "equal sequences" if self.group is None else f"equal sequences and those of one '{self.group}'"
        )
        fold = "" if self.group is None else f"{alike} in one part; "
        fold = fold if self.folds is None else f"{self.folds.said}, {alike} in one fold; "
        tested = len(self.samples("test"))
        return f"{fold}each of {count:,} symbols of {tested} test sequences missing alone, scored once"

    def describe(self) -> str:
        """Sequences and symbols of each part."""
        counts = []
        for part in PARTS:
            count = int(self.samples(part).lengths.sum())
            counts.append(f"{len(self.samples(part)):,} {part} ({count:,} symbols)")
        strands = "; training sees both strands" if self.is_dna and self.strands else ""
        groups = ""
        if self.group is not None:
            found = self._found
            groups = "\n" + told(found.groups, self._groups(found), self.group, "sequences")
        return f"{self.title}: {', '.join(counts)}{strands}{groups}"

    def samples(self, part: str) -> Sequences:
        """The sequences of a part, those of training on both strands if asked for."""
        self.setup()
        return self._samples[part]

    def sampler(self) -> ByLength:
        """Sequences of similar length together."""
        return ByLength(self.samples("train").lengths, self.batch_size, seed=self.seed)

    def evaluation_sampler(self, part: str) -> ByLength:
        """Similar lengths together, always the same."""
        return ByLength(self.samples(part).lengths, 64, noise=0.0)

    def read(self) -> Texts:
        """Reads all sequences; a subclass with a source of its own replaces this and nothing else."""
        if self.name == "mirrors":
            return Texts(mirrors(), "package")
        if self.name == "arabidopsis":
            return self._read_fasta(find("text/dna/arabidopsis-genes/Arabidopsis_non_prom.fa", self.dir))
        if self.path is None:
            raise UserError(f"data={self.name} needs a file: data.path=my.{'fa' if self.is_dna else 'txt'}")
        path = Path(self.path).expanduser()
        if self.name == "fasta":
            return self._read_fasta(path)
        texts = [line for line in lines(read_text(path, self.encoding)) if len(line.strip()) > 1]
        if not texts:
            raise UserError(f"{path}: no line has two characters.")
        return Texts(texts, str(path))

    def _read_fasta(self, path: Path) -> Texts:
        names, texts = read_fasta(path, self.encoding)
        return Texts(texts, str(path), () if self.group is None else tuple(group_names(names, self.group)))

    def _sequences(self, texts: Sequence[str], part: str) -> Sequences:
        keys = torch.from_numpy(self._keys[part])
        if part == "train" and self.is_dna and self.strands:
            texts = [*texts, *map(reverse_complement, texts)]
            keys = torch.cat([keys, keys])
        tokenizer = self._processor.tokenizer
        encoded = [torch.from_numpy(one) for one in tokenizer.encode_all(texts)]
        # Letters for "one of several" are read, but there is no telling which one it was.
        counted = set(tokenizer.encode(_BASES).tolist()) if self.is_dna else None
        targets = []
        for one in encoded:
            known = one != tokenizer.unknown
            if counted is not None:
                known &= torch.isin(one, torch.tensor(sorted(counted)))
            targets.append(torch.where(known, one, -100))
        return Sequences(Ragged(encoded), keys, steps={"gap": (Ragged(targets), -100)})


def mirrors(count: int = 600, seed: int = 0) -> list[str]:
    """Words that read the same from both ends: a missing letter is known from the other side; made, needs no file."""
    generator = np.random.default_rng(seed)
    halves = ["".join(generator.choice(list("abcdefgh"), size=4).tolist()) for _ in range(count)]
    return [half + half[::-1] for half in halves]
