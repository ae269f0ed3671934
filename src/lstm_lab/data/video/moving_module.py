"""The LightningDataModule of moving digits: made when they are asked for, with a test set that is always the same."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.base import SequenceDataModule
from lstm_lab.data.folding import Folds
from lstm_lab.data.images.module import groups, split
from lstm_lab.data.images.source import Pictures, mnist, small_digits
from lstm_lab.data.loader import InOrder, Shuffled
from lstm_lab.data.passes import NumberedPasses
from lstm_lab.data.video.moving import MovingDigits, resized_glyphs
from lstm_lab.data.video.processor import ClipProcessor, as_text
from lstm_lab.data.video.reading import Form
from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.spec import Frames, Spec, Target

# Validation and test are the same sequences whatever the seed of a run; training has seeds of its own.
_SEEDS = {"validation": 1, "test": 2}
_TRAINING_SEEDS = 1_000


class MovingDigitsDataModule(SequenceDataModule):
    """Digits that bounce; those that are seen in training are never seen in the test.

    Args:
        name: as in ``conf/data``.
        origin: ``digits`` (inside scikit-learn) or ``mnist`` (four IDX files).
        dir: where the files are looked for first.
        size: rows and columns of a frame.
        digit_size: rows and columns of a digit.
        digits: digits in a sequence.
        frames: known frames.
        ahead: frames to predict.
        sequences: training sequences of a pass; every pass has new ones.
        validation: validation sequences.
        test: test sequences.
        folds: null divides the digits once; a number divides them into so many test parts.
        fold: which of them is the test part, from 0; or ``k/n``, the k-th of n.
        batch_size: sequences in a global batch.
        seed: decides the training sequences.
    """

    def __init__(
        self,
        name: str = "moving_digits",
        origin: str = "digits",
        dir: str | None = None,
        size: int = 32,
        digit_size: int = 14,
        digits: int = 2,
        frames: int = 5,
        ahead: int = 5,
        sequences: int = 10_000,
        validation: int = 200,
        test: int = 1_000,
        folds: int | str | None = None,
        fold: int | str | None = None,
        batch_size: int = 16,
        seed: int = 0,
    ) -> None:
        super().__init__(name, batch_size, seed)
        check_choice("data.origin", origin, ("digits", "mnist"))
        counts = {"frames": frames, "ahead": ahead, "digits": digits, "sequences": sequences}
        for key, value in {**counts, "validation": validation, "test": test}.items():
            check_at_least(f"data.{key}", value, 1)
        check_at_least("data.digit_size", digit_size, 4)
        if size <= digit_size:
            raise UserError(f"data.size={size} leaves a digit of {digit_size} pixels no room to move.")
        self.origin, self.dir, self.side, self.digit_size = origin, dir, size, digit_size
        self.digits, self.known, self.ahead = digits, frames, ahead
        self.counts = {"train": sequences, "validation": validation, "test": test}
        self.folds = Folds.read(folds, fold)
        self._makers: dict[str, MovingDigits] = {}

    def setup(self, stage: str | None = None) -> None:
        """Reads the digits once and gives each part its own."""
        if self._makers:
            return
        pictures = self._pictures()
        self._source = pictures.source
        glyphs = resized_glyphs(pictures.images[..., 0], self.digit_size)
        for part, rows in split(pictures, 0.2, 0.1, self.folds).items():
            seed = _SEEDS.get(part, _TRAINING_SEEDS + self.seed)
            self._makers[part] = MovingDigits(
                glyphs[rows], self.side, self.known + self.ahead, self.digits, seed
            )

    def _pictures(self) -> Pictures:
        return small_digits() if self.origin == "digits" else mnist(self.dir)

    @property
    def fold_count(self) -> int:
        """How many folds of digits there are; 1 where the publisher or a share says which are the test."""
        return 1 if self.folds is None else self.folds.size(groups(self._pictures(), None), "digits")

    @property
    def spec(self) -> Spec:
        """What a net is built from."""
        return Spec(Frames(1, self.side, self.side), Target("frames", 1, self.ahead), length=self.known)

    @property
    def processor(self) -> ClipProcessor:
        """From clips to batches: a clip of any length, all of which is read."""
        first = self.samples("test").gather(slice(0, 1)).inputs[0, :, 0]  # (T, size, size)
        return ClipProcessor(Form(self.side, self.side, 1), 0, "all", 0, [], as_text(first.numpy()))

    @property
    def source(self) -> str:
        """Where the digits come from."""
        self.setup()
        return self._source

    @property
    def digest(self) -> str:
        """SHA-256 of the first hundred test sequences: of digits, law and sizes."""
        sample = self.samples("test").maker.draw(torch.arange(min(100, self.counts["test"])))
        return hashlib.sha256(sample.numpy().tobytes()).hexdigest()

    @property
    def protocol(self) -> str:
        """How the test is scored."""
        fold = "" if self.folds is None else f"{self.folds.said} of the digits; "
        return (
            f"{fold}{self.ahead} frames after {self.known}, {self.counts['test']} fixed test sequences of digits that"
            " training never shows, scored once"
        )

    def describe(self) -> str:
        """Counts and sizes."""
        count = len(self.samples("train").maker.glyphs)
        parts = f"{self.counts['validation']} validation, {self.counts['test']} test sequences"
        return (
            f"{self.name}: {self.digits} digits of {self.digit_size} × {self.digit_size} in frames of {self.side} × "
            f"{self.side}, {self.known} known and {self.ahead} to predict; new sequences of {count} training digits in "
            f"each pass of {self.counts['train']}, {parts}"
        )

    def samples(self, part: str) -> MovingSamples:
        """The sequences of a part."""
        self.setup()
        return MovingSamples(self._makers[part], self.counts[part], self.known)

    def sampler(self) -> NumberedPasses:
        """Other sequences in each pass."""
        count = self.counts["train"]
        return NumberedPasses(Shuffled(count, self.batch_size, self.seed), count)

    def evaluation_sampler(self, part: str) -> InOrder:
        """As many sequences at once as in training."""
        return InOrder(self.counts[part], self.batch_size)


class MovingSamples:
    """Sequences by number.

    Args:
        maker: draws them.
        count: N of a pass.
        known: frames that are known.
    """

    def __init__(self, maker: MovingDigits, count: int, known: int) -> None:
        self.maker, self.count, self.known = maker, count, known

    def __len__(self) -> int:
        return self.count

    def gather(self, which: Tensor | slice) -> Batch:
        """Draws sequences; an index beyond the last is a sequence of a later pass."""
        numbers = torch.arange(self.count)[which] if isinstance(which, slice) else which
        frames = self.maker.draw(numbers)  # (B, T + S, 1, size, size)
        lengths = torch.full((len(numbers),), self.known)
        return Batch(frames[:, : self.known], lengths, numbers, {"frames": frames[:, self.known :]})
