"""Features of a wave that comes in pieces: each frame is given as soon as its last sample is there.

Shapes: N samples, T frames, F features.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lstm_lab.features.audio import AudioFeatures


class FeatureStream:
    """Gives, piece by piece, the frames that `AudioFeatures` gives for the whole wave.

    Args:
        front: what makes the features.
    """

    def __init__(self, front: AudioFeatures) -> None:
        self.front = front
        self._before = 0 if front.style == "kaldi" else front.n_fft // 2  # samples before a frame's place
        self._behind = front.window if front.style == "kaldi" else front.n_fft // 2
        self._slopes = 2 * front.deltas  # frames that a slope reaches to each side
        self._wave = torch.zeros(0)  # from sample `_start` on
        self._start = 0
        self._given = 0

    def push(self, samples: Tensor, last: bool = False) -> Tensor:
        """Takes the next samples (N,), and returns the frames (T, F) that are now complete.

        Args:
            samples: of the wave, at the features' rate.
            last: whether nothing follows; then the remaining frames come, with silence behind the wave.
        """
        self._wave = torch.cat([self._wave, samples])
        total = self._start + len(self._wave)
        hop = self.front.hop
        if last:
            ready = int(self.front.frames(torch.tensor(total)))
        else:
            ready = max(0, (total - self._behind) // hop + 1) - self._slopes
        if ready <= self._given:
            return torch.zeros(0, self.front.size)
        features, _ = self.front(self._wave[None], torch.tensor([len(self._wave)]))
        first = self._start // hop
        found = features[0, self._given - first : ready - first]
        self._given = ready
        # What the next frames, and the slopes of those, still reach back to.
        keep = max(0, self._given - self._slopes - -(-self._before // hop)) * hop
        self._wave, self._start = self._wave[max(0, keep - self._start) :], max(keep, self._start)
        return found

    @property
    def remembered(self) -> torch.Tensor:
        """The samples (N,) that frames to come still reach back to."""
        return self._wave
