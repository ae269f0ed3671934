"""The LightningDataModule of language models: a corpus as streams of tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from lstm_lab.data.base import SequenceDataModule
from lstm_lab.data.folding import Folds
from lstm_lab.data.loader import InOrder
from lstm_lab.data.text.corpus import NAMED, Corpus, fold_text, read_file
from lstm_lab.data.text.processor import TextProcessor
from lstm_lab.data.text.reading import digest
from lstm_lab.data.text.streams import Streams
from lstm_lab.data.text.tokenizer import SPECIALS, Tokenizer, learnt
from lstm_lab.errors import UserError, check_at_least
from lstm_lab.spec import Spec, Target, Tokens

PARTS = ("train", "validation", "test")


class TextDataModule(SequenceDataModule):
    """One text in three parts, each read as streams whose state is carried from chunk to chunk.

    Args:
        name: ``ptb``, ``tinyshakespeare``, ``echo`` (made by a grammar) or ``textfile``.
        path: the file, for ``textfile``; ``.gz`` is unpacked.
        dir: a folder to look for named sets in.
        encoding: of the file.
        tokenizer: ``word``, ``blank``, ``char``, ``byte``, ``bpe`` or ``unigram``.
        vocabulary: symbols at the most, special ones included.
        minimum: how often a word or character has to occur in the training part.
        lower: whether text is put in lower case.
        validation: share of the text before the test, by which everything is chosen.
        test: last share of the text, scored once.
        folds: null divides once; a number cuts the text into so many stretches that are the test in turn.
        fold: which of them is the test part, from 0; or ``k/n``, the k-th of n.
        batch_size: readers of the training part.
        bptt: steps of a chunk, through which gradients flow.
        test_readers: readers of the test part; one reads it from end to end as a person would.
        seed: taken for the sake of the house; the order of a stream is fixed.

    Raises:
        UserError: if a file cannot be read, or is too short.
    """

    refits = True

    def __init__(
        self,
        name: str = "textfile",
        path: str | Path | None = None,
        dir: str | None = None,
        encoding: str = "utf-8",
        tokenizer: str = "char",
        vocabulary: int = 10_000,
        minimum: int = 1,
        lower: bool = False,
        validation: float = 0.05,
        test: float = 0.1,
        folds: int | str | None = None,
        fold: int | str | None = None,
        batch_size: int = 20,
        bptt: int = 35,
        test_readers: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(name, batch_size, seed)
        check_at_least("data.bptt", bptt, 1)
        check_at_least("data.test_readers", test_readers, 1)
        self.path, self.dir, self.encoding = path, dir, encoding
        self.kind, self.vocabulary, self.minimum, self.lower = tokenizer, vocabulary, minimum, lower
        self.validation, self.test, self.bptt, self.test_readers = validation, test, bptt, test_readers
        self.folds = Folds.read(folds, fold)
        if self.folds is not None and (name == "ptb" or self.folds.count is None):
            why = (
                "ptb has a test part of its own"
                if name == "ptb"
                else "data.folds=all is for groups, a text has none"
            )
            raise UserError(
                f"data.folds: {why}. Allowed: null"
                + ("." if name == "ptb" else ", or a number of stretches.")
            )
        self._corpus: Corpus | None = None
        self._joined = False

    # -- what the rest of the house asks --------------------------------------------------------------------

    def setup(self, stage: str | None = None) -> None:
        """Reads the corpus once and trains the tokenizer on its training part."""
        if self._corpus is not None:
            return
        corpus = self.read()
        if self.folds is not None:
            corpus = self.folded(corpus)
        settings = self.kind, self.vocabulary, self.minimum, self.lower
        tokenizer = learnt(self.earlier, [corpus.train], *settings)
        self.kind = tokenizer.kind
        self._texts = {"train": corpus.train, "validation": corpus.validation, "test": corpus.test}
        self._tokens = {part: torch.from_numpy(tokenizer.encode(text)) for part, text in self._texts.items()}
        for part, tokens in self._tokens.items():
            if len(tokens) < 2:
                raise UserError(f"{corpus.source}: the {part} part has {len(tokens)} symbols; it needs two.")
        self._processor = TextProcessor(
            tokenizer, self._start(tokenizer), _opening(corpus.train), self.encoding
        )
        self._corpus = corpus

    def fit_again(self) -> None:
        """Validation text joins the training part; the tokenizer stays that of the training part alone."""
        self.setup()
        if not self._joined:
            self._texts["train"] += self._texts["validation"]
            self._tokens["train"] = torch.cat([self._tokens["train"], self._tokens["validation"]])
            self._joined = True

    @property
    def fold_count(self) -> int:
        """How many stretches of the text take turns; 1 where a share says what the test is."""
        return 1 if self.folds is None else self.folds.count or 1

    @property
    def corpus(self) -> Corpus:
        """The whole text."""
        self.setup()
        assert self._corpus is not None
        return self._corpus

    @property
    def spec(self) -> Spec:
        """What a net is built from."""
        size = self.processor.tokenizer.size
        return Spec(
            inputs=Tokens(size, specials=len(SPECIALS)),
            target=Target("next", size),
            unit=f"nats per {self.unit}",
            length=self.bptt,
        )

    @property
    def unit(self) -> str:
        """What a token is."""
        return {"char": "character", "byte": "byte", "bpe": "subword", "unigram": "subword"}.get(
            self.kind, "word"
        )

    @property
    def statistics(self) -> dict[str, Any]:
        """The number of the unknown symbol."""
        return {"unknown": Tokenizer.unknown}

    @property
    def digest(self) -> str:
        """Of all three parts."""
        return digest(self.corpus.train, self.corpus.validation, self.corpus.test)

    @property
    def source(self) -> str:
        """Where the text was read from."""
        return self.corpus.source

    @property
    def protocol(self) -> str:
        """How the test is scored."""
        count, readers = len(self.tokens("test")) - 1, self._readers("test")
        how = "from end to end" if readers == 1 else f"by {readers} readers"
        fold = "" if self.folds is None else f"{self.folds.said} of the text: "
        return f"{fold}all {count:,} {self.unit}s of the test part but the first, read {how} with a carried state, once"

    def describe(self) -> str:
        """Tokens and unknown ones of each part, and what looks wrong."""
        tokenizer = self.processor.tokenizer
        parts = []
        for part in PARTS:
            tokens = self.tokens(part)
            unknown = 100 * float((tokens == tokenizer.unknown).float().mean())
            parts.append(f"{len(tokens):,} {part} ({unknown:.2f} % unknown)")
        found = f"{self.title}: {tokenizer.size:,} symbols ({self.kind}); {self.unit}s: {', '.join(parts)}"
        readers = self._readers("train")
        if readers < self.batch_size:
            found += f"\nwarning: the text is so short that {readers} readers share it, not {self.batch_size}"
        return found

    # -- samples --------------------------------------------------------------------------------------------

    def tokens(self, part: str) -> torch.Tensor:
        """The numbers of a part, (N,)."""
        self.setup()
        return self._tokens[part]

    def text(self, part: str) -> str:
        """The text of a part."""
        self.setup()
        return self._texts[part]

    def samples(self, part: str) -> Streams:
        """The chunks of a part."""
        train = part == "train"
        return Streams(self.tokens(part), self._readers(part), self.bptt, whole=train)

    def sampler(self) -> InOrder:
        """All readers' next chunk, again and again."""
        return InOrder(len(self.samples("train")), self._readers("train"))

    def evaluation_sampler(self, part: str) -> InOrder:
        """As `sampler`, for the readers of a part."""
        return InOrder(len(self.samples(part)), self._readers(part))

    def _readers(self, part: str) -> int:
        wanted = self.test_readers if part == "test" else self.batch_size
        # A reader needs a chunk of its own: shorter ones would only see beginnings.
        return max(1, min(wanted, (len(self.tokens(part)) - 1) // self.bptt))

    # -- reading --------------------------------------------------------------------------------------------

    def read(self) -> Corpus:
        """Reads the corpus; a subclass with a source of its own replaces this and nothing else."""
        if self.name in NAMED:
            return NAMED[self.name](self.dir, self.encoding, self.validation, self.test)
        if self.path is None:
            raise UserError("data=textfile needs a file: data.path=my.txt")
        return read_file(Path(self.path).expanduser(), self.encoding, self.validation, self.test)

    def folded(self, corpus: Corpus) -> Corpus:
        """The corpus with the stretch of a fold as its test; a subclass that cuts elsewhere replaces this."""
        assert self.folds is not None
        self.folds.size(range(len(corpus.train)), "characters")
        return fold_text(corpus, self.folds, self.validation)

    @staticmethod
    def _start(tokenizer: Tokenizer) -> int:
        newline = tokenizer.encode("\n")
        known = len(newline) == 1 and newline[0] != tokenizer.unknown
        return int(newline[0]) if known else len(SPECIALS)


def _opening(text: str) -> str:
    """The first words of a text, about forty characters."""
    words = np.array(text[:400].split())
    lengths = np.cumsum([len(word) + 1 for word in words])
    return " ".join(words[: max(1, int((lengths <= 40).sum()))])
