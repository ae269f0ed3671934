"""A stream: samples go in one by one, and after each comes what a prediction of all samples so far would be.

Shapes: N steps of a sample, as the nets read them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.predictor import Predictor
from lstm_lab.streaming.answers import ANSWERS, Answers
from lstm_lab.streaming.parts import CarriedSpeech, carry
from lstm_lab.streaming.readers import Reader, batch_of, reader_of
from lstm_lab.streaming.series import SeriesStream

# Tasks whose answer depends on what is still to come.
_WHOLE = {
    "translate": "a translation begins when its source has been read to the end; give whole sentences",
    "infill": "a gap is filled from both sides; give whole sequences",
}


class Stream:
    """A predictor that remembers.

    After each sample its prediction equals that of `Predictor.predict` for all samples so far. For sounds it runs
    behind by the samples and frames that a step looks ahead, and `finish` catches up.

    Args:
        predictor: of one direction, of anything but translations and gaps.

    Attributes:
        reader: takes samples apart.

    Raises:
        UserError: for a model that has to see a whole sequence, saying what makes it so and what to change.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor, self.task = predictor, predictor.task
        if self.task.name in _WHOLE:
            raise UserError(f"stream=true: {_WHOLE[self.task.name]}.")
        predictor.model.eval()
        self.reset()

    @property
    def sample(self) -> str:
        """What a sample is, in words."""
        return self.reader.sample

    def reset(self) -> None:
        """Forgets everything: the next sample is the first of a sequence."""
        carried = [carry(net) for net in self.predictor.model.members]
        self._nets = [net for net, _ in carried]
        self._parts = [parts for _, parts in carried]
        self.reader: Reader = reader_of(self.predictor.processor, self.task.name)
        self._answers: Answers = ANSWERS[self.task.name](self.predictor.processor)

    # -- in and out -------------------------------------------------------------------------------------------

    def push(self, sample: Any) -> dict[str, Any] | None:
        """Reads a sample, and returns the prediction after it.

        Args:
            sample: as `sample` says.

        Returns:
            Plain words and numbers by name, see `lstm_lab.streaming.answers`; None as long as nothing was read that a
            prediction could be made of.

        Raises:
            UserError: if it is no such sample.
        """
        return self._follow(self.reader.read(sample), last=False)

    def finish(self) -> dict[str, Any] | None:
        """Reads what sounds held back because a step looks ahead, and returns the last prediction; else None."""
        if not self._holds_back:
            return None
        return self._follow(self.reader.read(None, last=True), last=True)

    @property
    def _holds_back(self) -> bool:
        sounds = any(isinstance(part, CarriedSpeech) for parts in self._parts for part in parts)
        return bool(getattr(self.reader, "features", None)) or (sounds and hasattr(self.reader, "rate"))

    def _follow(self, steps: Tensor, last: bool) -> dict[str, Any] | None:
        found = self.read(batch_of(steps), last) if len(steps) or last else None
        if found is None or not self._parts[0][0].steps:
            return None
        return self._answers.say(found, steps)

    @torch.inference_mode()
    def read(self, batch: Batch, last: bool = False) -> dict[str, Tensor]:
        """Reads the next steps as tensors, and returns what the task predicts after them.

        Args:
            batch: the next steps of one sequence, as the processor makes batches.
            last: whether nothing follows.
        """
        for parts in self._parts:
            for part in parts:
                if isinstance(part, CarriedSpeech):
                    part.last = last
        return self.task.undecoded(self._nets, self.predictor.model.weights, batch)

    # -- what is remembered -----------------------------------------------------------------------------------

    @property
    def state(self) -> dict[str, Tensor]:
        """All that is remembered, by name; nothing else grows or changes while a stream is read."""
        found = {
            f"net{number}.{name}": tensor
            for number, parts in enumerate(self._parts)
            for part in parts
            for name, tensor in part.remembered().items()
        }
        return {**found, **self.reader.remembered(), **self._answers.remembered()}

    @property
    def size(self) -> int:
        """Numbers in `state`."""
        return sum(tensor.numel() for tensor in self.state.values())


def open_stream(predictor: Predictor, **options: Any) -> Stream | SeriesStream:
    """Returns the stream of a predictor; of forecasts it is one over rows.

    Raises:
        UserError: for a model that has to see a whole sequence.
    """
    kind: Any = SeriesStream if predictor.task.name == "forecast" else Stream
    return kind(predictor, **options)
