"""The LightningDataModule of translators: pairs of texts, batched by length."""

from __future__ import annotations

from typing import Any

import torch

from lstm_lab.data.base import SequenceDataModule
from lstm_lab.data.folding import SEED, Folds
from lstm_lab.data.loader import ByLength
from lstm_lab.data.text.pairs import NAMED, PARTS, Division, Pair, Pairs, dialogs, made, multi30k, parallel
from lstm_lab.data.text.pairs_made import MADE
from lstm_lab.data.text.pairs_processor import PairsProcessor
from lstm_lab.data.text.reading import digest
from lstm_lab.data.text.sequences import Ragged, Sequences
from lstm_lab.data.text.tokenizer import SPECIALS, Tokenizer, learnt
from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.spec import Spec, Target, Tokens


class PairsDataModule(SequenceDataModule):
    """Pairs of texts in three parts; the tokenizers learn from the training part alone.

    Args:
        name: ``multi30k``, ``dialogs``, ``dates``, ``reverse``, ``addition``, or ``parallel`` for files.
        source: the language (``multi30k``), or the file of the source (``parallel``).
        target: the language, or the file of the target.
        path: one file with source, tab, target in each line, instead of two.
        dir: a folder to look for named sets in.
        encoding: of the files.
        tokenizer: ``word``, ``blank``, ``char``, ``byte``, ``bpe`` or ``unigram``.
        vocabulary: symbols of each side at the most.
        minimum: how often a word or character has to occur in the training part.
        lower: whether text is put in lower case.
        shared: one tokenizer for both sides, trained on both.
        longest: training pairs with more symbols on a side are left out, and told; longer sources are refused.
        replace_unknown: an unknown word is replaced by the word of the source that was looked at most.
        context: turns before a reply that the model reads (``dialogs``).
        count: pairs of a made set.
        validation: share, for sets without parts of their own.
        test: share, for sets without parts of their own.
        folds: null divides once; a number divides into so many test parts, equal sources or dialogues in one.
        fold: which of them is the test part, from 0; or ``k/n``, the k-th of n.
        group: column of `path`, by name or number from 1, of what must not be in two parts besides equal sources.
        batch_size: pairs of a batch, where there is no budget.
        budget: symbols of a batch, padding included, the longer side counting; None for batches of one size.
        seed: decides the order of batches.

    Raises:
        UserError: for files that cannot be read or do not match.
    """

    def __init__(
        self,
        name: str = "parallel",
        source: str | None = None,
        target: str | None = None,
        path: str | None = None,
        dir: str | None = None,
        encoding: str = "utf-8",
        tokenizer: str = "bpe",
        vocabulary: int = 8000,
        minimum: int = 1,
        lower: bool = False,
        shared: bool = False,
        longest: int = 100,
        replace_unknown: bool = False,
        context: int = 1,
        count: int = 10_000,
        validation: float = 0.05,
        test: float = 0.05,
        folds: int | str | None = None,
        fold: int | str | None = None,
        group: int | str | None = None,
        batch_size: int = 64,
        budget: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(name, batch_size, seed)
        check_choice("data.name", name, (*NAMED, "parallel"))
        check_at_least("data.longest", longest, 1)
        self.sides, self.path, self.dir, self.encoding = (source, target), path, dir, encoding
        self.kind, self.vocabulary, self.minimum, self.lower = tokenizer, vocabulary, minimum, lower
        self.shared, self.longest, self.replace_unknown = shared, longest, replace_unknown
        self.context, self.count, self.budget = context, count, budget
        # The seed of a run decides its order, not which pairs are the test: runs with other seeds are compared.
        self.folds = Folds.read(folds, fold)
        if self.folds is not None and name == "multi30k":
            raise UserError("data.folds: multi30k has a test part of its own; without folds it is scored.")
        self.group = None if group is None else str(group)
        if group is not None and name != "parallel":
            raise UserError(f"data.group={group}: {name} says itself which of its pairs belong together.")
        self.division = Division(validation, test, SEED, folds=self.folds, group=self.group)
        self._pairs: Pairs | None = None

    # -- what the rest of the house asks --------------------------------------------------------------------

    def setup(self, stage: str | None = None) -> None:
        """Reads the pairs once and trains the tokenizers on the training part."""
        if self._pairs is not None:
            return
        pairs = self.read()
        train = pairs.parts["train"]
        left, right = [one for one, _ in train], [other for _, other in train]
        learn = (self.kind, self.vocabulary, self.minimum, self.lower)
        if isinstance(self.earlier, PairsProcessor):  # its vectors have its numbers
            self.shared = self.earlier.shared
            source, target = self.earlier.source, None if self.shared else self.earlier.target
        else:
            source = learnt(self.earlier, [*left, *right] if self.shared else left, *learn)
            target = None if self.shared else Tokenizer.train(right, *learn)
        sample = sorted(left[:200], key=len)[len(left[:200]) // 2]
        self._processor = PairsProcessor(
            source,
            target,
            self.longest,
            sample,
            self.encoding,
            self.replace_unknown,
            self.context if self.name == "dialogs" else 1,
        )
        self._samples, self._left_out = {}, 0
        for part in PARTS:
            self._samples[part] = self._encode(pairs.parts[part], part == "train", pairs.source)
        self._pairs = pairs

    def _encode(self, pairs: list[Pair], train: bool, where: str) -> Sequences:
        processor = self._processor
        sources = processor.source.encode_all([one for one, _ in pairs])
        targets = processor.target.encode_all([other for _, other in pairs])
        keys = range(len(pairs))
        if train:
            fits = [
                max(len(one), len(other)) <= self.longest for one, other in zip(sources, targets, strict=True)
            ]
            self._left_out = len(fits) - sum(fits)
            keys = [key for key in keys if fits[key]]  # type: ignore[assignment]
            if not keys:
                raise UserError(f"{where}: no training pair has at most data.longest={self.longest} symbols.")
        end = torch.tensor([processor.target.eos])
        return Sequences(
            Ragged([sources[key] for key in keys]),
            torch.tensor(list(keys)),
            steps={
                "sentence": (Ragged([torch.cat([torch.from_numpy(targets[key]), end]) for key in keys]), 0)
            },
        )

    def read(self) -> Pairs:
        """Reads the pairs; a subclass with a source of its own replaces this and nothing else."""
        if self.name == "multi30k":
            return multi30k(self.dir, *self.sides)
        if self.name == "dialogs":
            return dialogs(self.dir, self.context, self.division)
        if self.name in MADE:
            return made(self.name, self.count, 0, self.division)
        return parallel(self.path, *self.sides, self.encoding, self.division)

    @property
    def fold_count(self) -> int:
        """How many folds there are; 1 where a share says what the test is."""
        if self.folds is None:
            return 1
        if self.folds.count is None and self.group is not None:
            return self.read().groups
        if self.folds.count is None:
            raise UserError("data.folds=all: sources are many; say how many parts, such as data.folds=5.")
        self.read()  # says if there are fewer sources than folds
        return self.folds.count

    @property
    def pairs(self) -> Pairs:
        """All pairs as text."""
        self.setup()
        assert self._pairs is not None
        return self._pairs

    @property
    def spec(self) -> Spec:
        """What a net is built from."""
        source, target = self.processor.source.size, self.processor.target.size
        return Spec(
            inputs=Tokens(source, specials=len(SPECIALS)),
            target=Target("sentence", target),
            unit="",
            length=max(1, round(float(self.samples("train").lengths.float().mean()))),
        )

    @property
    def statistics(self) -> dict[str, Any]:
        """Numbers of the special symbols, and how long targets are."""
        lengths, targets = self.samples("train").lengths, self._target_lengths("train")
        return {
            "begin": Tokenizer.bos,
            "end": Tokenizer.eos,
            "never": [Tokenizer.pad, Tokenizer.bos],
            "unknown": Tokenizer.unknown,
            "shared": self.shared,
            "longest": int(targets.max()),
            "stretch": float(targets.sum() / lengths.sum()),
        }

    @property
    def measure(self) -> str:
        """What decides between translators of this set: ``exact`` matches, or ``bleu``."""
        return "exact" if self.name in MADE else "bleu"

    @property
    def title(self) -> str:
        """The name, with the direction where there is one."""
        return f"{self.name} {self.sides[0]}-{self.sides[1]}" if self.name == "multi30k" else self.name

    @property
    def digest(self) -> str:
        """Of all pairs."""
        return digest(*(f"{one}\t{other}" for part in PARTS for one, other in self.pairs.parts[part]))

    @property
    def source(self) -> str:
        """Where the pairs were read from."""
        return self.pairs.source

    @property
    def protocol(self) -> str:
        """How the test is scored."""
        count = len(self.pairs.parts["test"])
        fold = "" if self.group is None else f"equal sources and pairs of one '{self.group}' in one part; "
        fold = fold if self.folds is None else f"{self.folds.said}: {fold}"
        return f"{fold}all {count:,} test pairs, written from the source alone, scored as plain text, once"

    def describe(self) -> str:
        """Pairs and unknown symbols of each part, padding, and what looks wrong."""
        rows = [
            f"{len(self.pairs.parts[part]):,} {part} ({self._unknown(part):.2f} % unknown)" for part in PARTS
        ]
        sizes = self.processor.source.size, self.processor.target.size
        symbols = f"{sizes[0]:,} shared" if self.shared else f"{sizes[0]:,} and {sizes[1]:,}"
        sampler = self.sampler()
        found = (
            f"{self.title}: {symbols} symbols ({self.kind}); pairs: {', '.join(rows)}; "
            f"{sampler.batches} batches a pass, {100 * sampler.padding:.1f} % padding"
        )
        notes = list(self.pairs.warnings)
        if self._left_out:
            notes.append(
                f"{self._left_out} training pairs have more than data.longest={self.longest} symbols: left out"
            )
        seen = {one for one, _ in self.pairs.parts["train"]}
        if again := sum(one in seen for one, _ in self.pairs.parts["test"]):
            notes.append(
                f"{again} of {len(self.pairs.parts['test'])} test sources stand in the training part too"
            )
        return "\n".join([found, *(f"note: {note}" for note in notes)])

    def _unknown(self, part: str) -> float:
        flat = self.samples(part).tokens.flat
        return 100 * float((flat == Tokenizer.unknown).float().mean())

    # -- samples --------------------------------------------------------------------------------------------

    def samples(self, part: str) -> Sequences:
        """The encoded pairs of a part."""
        self.setup()
        return self._samples[part]

    def _target_lengths(self, part: str) -> torch.Tensor:
        return self.samples(part).along["sentence"][0].lengths

    def sampler(self) -> ByLength:
        """Pairs of similar length together: the longer side counts."""
        longer = torch.maximum(self.samples("train").lengths, self._target_lengths("train"))
        world = self.trainer.world_size if self.trainer else 1
        if self.budget is not None:
            return ByLength(longer, budget=self.budget, seed=self.seed, multiple=world)
        return ByLength(longer, self.batch_size, seed=self.seed, multiple=world)

    def evaluation_sampler(self, part: str) -> ByLength:
        """As `sampler`, in batches of one size, the same each time."""
        return ByLength(self.samples(part).lengths, self.batch_size, noise=0)
