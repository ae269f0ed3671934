"""From one sample, as a user has it, to a piece of a batch; one class for each way in which a stream is written.

Shapes: N steps that a sample holds, F features of a step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.images.processor import ImageProcessor
from lstm_lab.data.longlag.adding import FEATURES
from lstm_lab.data.speech.processor import SpeechProcessor
from lstm_lab.data.text.label_processor import LabelledTextProcessor
from lstm_lab.data.text.processor import TextProcessor
from lstm_lab.data.text.tagged_processor import TaggedProcessor
from lstm_lab.data.text.tokenizer import JOINER, Tokenizer, split
from lstm_lab.data.video.keypoints import KeypointProcessor
from lstm_lab.data.video.processor import ClipProcessor
from lstm_lab.data.video.reading import from_picture
from lstm_lab.errors import UserError
from lstm_lab.streaming.parts import CarriedFeatures


class Reader:
    """Reads one sample at a time; what it has to remember for that is in `remembered`.

    Attributes:
        sample: what a sample is, for messages.
    """

    sample = "a step"

    def read(self, sample: Any, last: bool = False) -> Tensor:
        """Returns the steps of a sample, (N, …) as the net reads them.

        Args:
            sample: of the user's; None where only `last` is to be said.
            last: whether nothing follows.

        Raises:
            UserError: if it is no such sample.
        """
        raise NotImplementedError

    def remembered(self) -> dict[str, Tensor]:
        """What the next sample needs to know of those before."""
        return {}


class Symbols(Reader):
    """Symbols of a text: a sample is one, or a piece of text that is cut into its symbols.

    Pieces follow on one another as the tokenizer joins symbols: characters and bytes without anything between, words
    with a space, lines of ``blank`` texts too.
    """

    sample = "a symbol, or a piece of text"

    def __init__(self, processor: TextProcessor | LabelledTextProcessor | TaggedProcessor) -> None:
        self.processor, self.tokenizer = processor, processor.tokenizer
        self.longest = getattr(processor, "longest", 0)
        self.count = 0

    def read(self, sample: Any, last: bool = False) -> Tensor:
        """Returns numbers of symbols (N,); none beyond the longest text that the model reads."""
        if not isinstance(sample, str):
            raise UserError(f"a sample of this stream is {self.sample}, not {type(sample).__name__}.")
        numbers = self._numbers(sample)
        if self.longest:
            numbers = numbers[: max(0, self.longest - self.count)]
        self.count += len(numbers)
        return numbers

    def _numbers(self, sample: str) -> Tensor:
        known = self.tokenizer.number(sample)
        if known != self.tokenizer.unknown or (sample.startswith(JOINER) and len(sample) > 1):
            return torch.tensor([known])
        if isinstance(self.processor, TextProcessor):
            spaced = self.tokenizer.kind == "bpe" and self.count and not sample[:1].isspace()
            return torch.from_numpy(self.tokenizer.encode(f" {sample}" if spaced else sample))
        column = "sequence" if isinstance(self.processor, TaggedProcessor) else "text"
        return self.processor.to_batch({column: [sample]}).inputs[0]  # type: ignore[arg-type]

    def pieces(self, text: str) -> list[str]:
        """Cuts a text into samples of one symbol each; of subwords, words."""
        if self.tokenizer.kind == "bpe":
            return text.split()
        if isinstance(self.processor, TaggedProcessor):
            return self.processor.symbols(text)
        letters = bool(getattr(self.processor, "letters", ""))
        if letters or self.tokenizer.kind in ("char", "byte"):
            return list("".join(text.split()) if letters else text)
        return split(text, self.tokenizer.kind)

    def remembered(self) -> dict[str, Tensor]:
        """How many symbols were read."""
        return {"reader.count": torch.tensor(self.count)}


class Rows(Reader):
    """Rows of numbers, one a step.

    Args:
        names: of the F numbers.
        scale: what they are divided by.
        gaps: whether a number may be missing.
    """

    def __init__(self, names: list[str], scale: float = 1.0, gaps: bool = False) -> None:
        self.names, self.scale, self.gaps = names, scale, gaps
        shown = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
        self.sample = f"a row of {len(names)} numbers ({shown})"

    def read(self, sample: Any, last: bool = False) -> Tensor:
        """Returns one row (1, F)."""
        return torch.from_numpy(self.row(sample))[None] / self.scale

    def row(self, sample: Any) -> np.ndarray:
        """The numbers of a row, checked."""
        try:
            row = np.asarray(sample, np.float32).ravel()
        except (TypeError, ValueError):
            raise UserError(
                f"'{sample}' holds no numbers; a sample of this stream is {self.sample}."
            ) from None
        if len(row) != len(self.names):
            raise UserError(f"a row of {len(row)} numbers; a sample of this stream is {self.sample}.")
        if not self.gaps and not np.isfinite(row).all():
            raise UserError(f"the number of '{self.names[int(np.argmin(np.isfinite(row)))]}' is missing.")
        return row


class Keypoints(Rows):
    """What was found in each frame; a point that is not seen stands still until it is seen again."""

    def __init__(self, processor: KeypointProcessor) -> None:
        super().__init__([f"k{number}" for number in range(processor.size)], gaps=True)
        self.processor = processor
        self.before: np.ndarray | None = None

    def read(self, sample: Any, last: bool = False) -> Tensor:
        """Returns a frame (1, F') as the net reads it."""
        row = self.row(sample)
        both = row[None] if self.before is None else np.stack([self.before, row])
        filled, _ = self.processor.sequence(both)
        self.before = filled[-1, : len(row)].numpy()
        return filled[-1:]

    def remembered(self) -> dict[str, Tensor]:
        """Where each point was seen last."""
        return {} if self.before is None else {"reader.before": torch.from_numpy(self.before)}


class Waves(Reader):
    """Samples of a sound, as many at a time as come."""

    def __init__(self, processor: SpeechProcessor) -> None:
        assert processor.features is not None
        self.rate = int(processor.features["sample_rate"])
        self.sample = f"a list of samples of the sound, from -1 to 1, at {self.rate} Hz"
        self.features = CarriedFeatures(processor.features) if processor.inputs == "features" else None

    def read(self, sample: Any, last: bool = False) -> Tensor:
        """Returns the frames (N, F) that are complete, or the samples (N, 1) where the net makes features itself."""
        wave = torch.zeros(0) if sample is None else torch.as_tensor(sample, dtype=torch.float32)
        if wave.ndim != 1 or not bool(wave.isfinite().all()):
            raise UserError(f"a sample of this stream is {self.sample}.")
        return wave[:, None] if self.features is None else self.features.stream.push(wave, last)

    def remembered(self) -> dict[str, Tensor]:
        """Samples that later frames reach back to."""
        return {} if self.features is None else self.features.remembered()


class Pictures(Reader):
    """Frames of a clip, brought to the size and colours that the model was trained on."""

    sample = "a picture, (rows, columns) or (rows, columns, colours), shades from 0 to 255"

    def __init__(self, processor: ClipProcessor) -> None:
        self.form = processor.form

    def read(self, sample: Any, last: bool = False) -> Tensor:
        """Returns one frame (1, C, H, W) uint8."""
        picture = np.asarray(sample)
        if picture.ndim not in (2, 3) or picture.dtype != np.uint8:
            raise UserError(f"a sample of this stream is {self.sample}.")
        return torch.from_numpy(from_picture(picture, self.form).copy())[None]


def reader_of(processor: Any, task: str) -> Reader:
    """The reader for a kind of data.

    Raises:
        UserError: for data whose steps are only known when all of it is there.
    """
    if isinstance(processor, TextProcessor | LabelledTextProcessor | TaggedProcessor):
        return Symbols(_piecewise(processor))
    if isinstance(processor, ImageProcessor):
        if processor.permuted:
            raise UserError(
                "stream=true: data.permuted=true reads a picture in an order of its own, so all of it has to be there;"
                " train with data.permuted=false."
            )
        width = processor.channels * (processor.width if processor.order == "rows" else 1)
        return Rows([f"shade {number}" for number in range(width)], scale=255)
    if isinstance(processor, KeypointProcessor):
        return Keypoints(processor)
    if isinstance(processor, SpeechProcessor):
        return Rows(list(processor.columns)) if processor.features is None else Waves(processor)
    if isinstance(processor, ClipProcessor):
        if task == "classify" and processor.way != "all":
            raise UserError(
                f"stream=true: data.sampling={processor.way} chooses {processor.count} frames of a whole clip; train"
                " with data.frames=0, and data.fps=… for fewer of them."
            )
        return Pictures(processor)
    return Rows(list(FEATURES))


def _piecewise(processor: Any) -> Any:
    tokenizer: Tokenizer = processor.tokenizer
    if tokenizer.kind == "unigram" or (tokenizer.kind == "bpe" and not isinstance(processor, TextProcessor)):
        raise UserError(
            f"stream=true: data.tokenizer={tokenizer.kind} cuts a whole text; train with word, blank, char or byte."
        )
    return processor


def batch_of(steps: Tensor) -> Batch:
    """One sequence of steps (N, …) as a batch."""
    return Batch(steps[None], torch.tensor([len(steps)]), torch.zeros(1, dtype=torch.long))
