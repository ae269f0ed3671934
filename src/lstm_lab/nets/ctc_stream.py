"""Transcription of a clip that comes in pieces, with the state of the core carried from one to the next.

Shapes: T frames, F features, T' steps, S symbols with the blank.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.nets.ctc import BLANK, Transcriber
from lstm_lab.nets.recurrent import State
from lstm_lab.nets.speech import SpeechFrontend


class CTCStream:
    """Gives, piece by piece, the log-probabilities that a `Transcriber` gives for the whole clip.

    Args:
        net: its core runs in one direction and its features are normalised by the training part.

    Raises:
        UserError: if the net cannot know a step before it has heard the end.
    """

    def __init__(self, net: Transcriber) -> None:
        front = net.frontend
        if not isinstance(front, SpeechFrontend) or front.front is not None:
            raise UserError(
                "a stream needs a net that reads features (data.inputs=features, frontend=speech)."
            )
        if net.core.directions == 2:
            raise UserError(
                "a stream needs model.bidirectional=false: the other direction begins at the end."
            )
        if front.normalise in ("clip", "level") or front.dynamic_range:
            raise UserError(
                "a stream needs frontend.normalise=global and dynamic_range=0: what is measured over a clip is known at"
                " its end."
            )
        self.net, self.front = net, front
        self._state: State | None = None
        self._frames = torch.zeros(0, front.mean.shape[0])  # from frame `_start` on
        self._start, self._given = 0, 0
        self._previous = BLANK

    @torch.no_grad()
    def push(self, frames: Tensor, last: bool = False) -> Tensor:
        """Takes the next frames (T, F), and returns log-probabilities (T', S) of the steps that are now complete.

        Args:
            frames: features as the data gives them.
            last: whether nothing follows.
        """
        self._frames = torch.cat([self._frames, frames])
        stride, reach = self.net.subsampling, self.front.convolutions.reach
        total = self._start + len(self._frames)
        ready = -(-total // stride) if last else max(0, (total - 1 - reach) // stride + 1)
        if ready <= self._given:
            return torch.zeros(0, self.net.head.out_features)
        count = torch.tensor([len(self._frames)])
        x, _ = self.front(Batch(self._frames[None], count, torch.zeros(1, dtype=torch.long)))
        first = self._start // stride
        found, self._state = self.net.onward(x[:, self._given - first : ready - first], self._state)
        self._given = ready
        keep = max(0, self._given - -(-reach // stride)) * stride
        self._frames, self._start = self._frames[max(0, keep - self._start) :], max(keep, self._start)
        return found[0]

    def symbols(self, log_probs: Tensor) -> list[tuple[int, int]]:
        """The symbols that the best path begins in these steps, which follow those before, as (symbol, step)."""
        begun = []
        offset = self._given - len(log_probs)
        for step, symbol in enumerate(log_probs.argmax(-1).tolist()):
            if symbol not in (BLANK, self._previous):
                begun.append((symbol, offset + step))
            self._previous = symbol
        return begun
