"""What stands before the core for sounds, when frames come in pieces.

Shapes: T frames, F features, T' steps, I features of a step.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.nets.speech import SpeechFrontend


class SpeechStream:
    """Gives, piece by piece, the steps that a `SpeechFrontend` gives for the whole clip.

    Args:
        front: its features are normalised by the training part. Where it makes features of waves itself, they are
            made before they come here.

    Attributes:
        given: steps so far.

    Raises:
        UserError: if the front end cannot know a step before it has heard the end.
    """

    def __init__(self, front: SpeechFrontend) -> None:
        if front.normalise in ("clip", "level") or front.dynamic_range:
            raise UserError(
                "a stream needs frontend.normalise=global and dynamic_range=0: what is measured over a clip is known at"
                " its end."
            )
        self.front = front
        if front.front is not None:  # features come, not waves
            self.front = copy.copy(front)
            self.front._modules = {**front._modules, "front": None}
        self.given = 0
        self._frames = torch.zeros(0, len(front.mean))  # from frame `_start` on
        self._start = 0

    def push(self, frames: Tensor, last: bool = False) -> Tensor:
        """Takes the next frames (T, F), and returns the steps (T', I) that are now complete.

        Args:
            frames: features as the data gives them.
            last: whether nothing follows.
        """
        self._frames = torch.cat([self._frames, frames])
        stride, reach = self.front.subsampling, self.front.convolutions.reach
        total = self._start + len(self._frames)
        ready = -(-total // stride) if last else max(0, (total - 1 - reach) // stride + 1)
        if ready <= self.given:
            return torch.zeros(0, self.front.output_size)
        count = torch.tensor([len(self._frames)])
        x, _ = self.front(Batch(self._frames[None], count, torch.zeros(1, dtype=torch.long)))
        first = self._start // stride
        found = x[0, self.given - first : ready - first]
        self.given = ready
        keep = max(0, self.given - -(-reach // stride)) * stride
        self._frames, self._start = self._frames[max(0, keep - self._start) :], max(keep, self._start)
        return found

    @property
    def remembered(self) -> Tensor:
        """The frames (T, F) that steps to come still reach back to."""
        return self._frames
