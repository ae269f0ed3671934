"""Digits that move through a square and bounce off its walls, drawn when they are asked for.

The law of Srivastava, Mansimov & Salakhutdinov (2015), "Unsupervised learning of video representations using LSTMs",
as OpenSTL's loader has it: a digit starts anywhere, goes in any direction at 0.1 of its free way a frame, and
overlapping digits show the brighter pixel. One difference: here a path is mirrored at a wall, where that loader
first stops at it, so that every position follows from start and direction alone and no frame waits for the last.

Shapes: N sequences, D digits in each, T frames, S rows and columns of a frame, P rows and columns of a digit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from lstm_lab.data.passes import uniforms

SPEED = 0.1
"""Share of the free way that a digit goes in a frame."""


@dataclass(frozen=True)
class MovingDigits:
    """Sequences by number: the same number is the same sequence, always.

    Attributes:
        glyphs: (K, P, P) uint8, the digits to choose from.
        size: S.
        frames: T.
        digits: D.
        seed: another seed gives other sequences.
    """

    glyphs: Tensor
    size: int
    frames: int
    digits: int = 2
    seed: int = 0

    def paths(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Returns which digits move and where.

        Args:
            numbers: (N,) int64.

        Returns:
            Indices into the glyphs (N, D), and the upper left corner of each in each frame (N, T, D, 2), int64.
        """
        draws = uniforms(numbers, 4 * self.digits, self.seed).unflatten(1, (self.digits, 4))  # (N, D, 4)
        which = (draws[..., 0] * len(self.glyphs)).long()
        angle = draws[..., 1] * 2 * math.pi
        velocity = SPEED * torch.stack([angle.sin(), angle.cos()], dim=-1)  # (N, D, 2)
        time = torch.arange(self.frames)[:, None, None]
        way = draws[:, None, :, 2:] + time * velocity[:, None]  # (N, T, D, 2), in free ways
        mirrored = 1 - (way.remainder(2) - 1).abs()
        return which, (mirrored * (self.size - self.glyphs.shape[-1])).long()

    def draw(self, numbers: Tensor) -> Tensor:
        """Returns the sequences of `numbers` (N,) as (N, T, 1, S, S) uint8."""
        which, corners = self.paths(numbers)
        count, places = len(numbers), torch.arange(self.glyphs.shape[-1])
        glyphs = self.glyphs[which][:, None].expand(-1, self.frames, -1, -1, -1)  # (N, T, D, P, P)
        rows = corners[..., 0, None] + places  # (N, T, D, P)
        columns = corners[..., 1, None] + places
        pixels = rows[..., :, None] * self.size + columns[..., None, :]  # (N, T, D, P, P)
        frames = torch.zeros(count, self.frames, self.size**2, dtype=torch.uint8)
        frames.scatter_reduce_(2, pixels.flatten(2), glyphs.flatten(2), "amax")
        return frames.view(count, self.frames, 1, self.size, self.size)


def resized_glyphs(images: Tensor, size: int) -> Tensor:
    """Returns digits (K, H, W) uint8 as (K, `size`, `size`) uint8, smoothed where they shrink."""
    if images.shape[-2:] == (size, size):
        return images
    shape = (size, size)
    found = F.interpolate(images[:, None].float(), shape, mode="bilinear", antialias=True)[:, 0]
    return found.round().clamp(0, 255).to(torch.uint8)
