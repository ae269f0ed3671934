"""What frames are seen through: a small CNN, or any encoder, on every real frame by itself.

Padding is not looked at: real frames are laid out as one batch of pictures, so neither their neighbours in a batch
normalisation nor the time they cost depends on it.

Shapes: B clips, T frames, N real frames of all clips, C channels, H rows, W columns, I features of a frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError, check_at_least
from lstm_lab.features.clip import differences, move_clips, tint_clips, to_unit
from lstm_lab.spec import Frames, Inputs


class FrameEncoder(nn.Module):
    """What all encoders share: shades to numbers, changes in training, standardising, frame by frame.

    A subclass sets `output_size` and writes `encode`.

    Args:
        inputs: the frames of the data.
        mean: of each channel.
        std: of each channel.
        motion: whether the change since the last frame stands beside each frame, as C more channels.
        crop: see `lstm_lab.features.clip.move_clips`; 1 for none. Only in training, as the next two.
        flip: mirrored, left for right.
        tint: see `lstm_lab.features.clip.tint_clips`; 0 for none.
    """

    output_size: int
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        inputs: Inputs,
        mean: Sequence[float],
        std: Sequence[float],
        motion: bool = False,
        crop: float = 1.0,
        flip: bool = False,
        tint: float = 0.0,
    ) -> None:
        super().__init__()
        assert isinstance(inputs, Frames)
        if not 0 < crop <= 1:
            raise UserError(
                f"frontend.crop={crop} must be more than 0 and at most 1, a share of rows and columns."
            )
        if not 0 <= tint < 1:
            raise UserError(f"frontend.tint={tint} must be at least 0 and less than 1.")
        self.motion, self.crop, self.flip, self.tint = motion, crop, flip, tint
        self.channels = inputs.channels * (2 if motion else 1)
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None].clamp_min(1e-3))

    def encode(self, pictures: Tensor) -> Tensor:
        """Returns pictures (N, C', H, W) as features (N, I); C' is C, or 2 C with motion."""
        raise NotImplementedError

    def prepared(self, frames: Tensor) -> Tensor:
        """Returns frames as they were loaded as (B, T, C', H, W), standardised, and changed in training."""
        values = to_unit(frames)
        if self.training and self.tint:
            values = tint_clips(values, self.tint)
        if self.training and (self.crop < 1 or self.flip):
            values = move_clips(values, self.crop, self.flip)
        values = (values - self.mean) / self.std
        return torch.cat([values, differences(values)], dim=2) if self.motion else values

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns (B, T, I), zero on padding, and the lengths (B,)."""
        frames, real = self.prepared(batch.inputs), batch.mask
        features = self.encode(frames[real])  # (N, I)
        found = features.new_zeros(*real.shape, features.shape[-1])
        found[real] = features
        return found, batch.lengths


class SmallCNN(FrameEncoder):
    """Blocks of convolution, normalisation, ReLU and halving, then the mean over places.

    Args:
        inputs: the frames of the data.
        statistics: ``mean`` and ``std`` of each channel; without them frames pass as they are.
        widths: channels after each block.
        dropout: on the features of a frame.
        motion: as in `FrameEncoder`, like the next three.
        crop: share of a picture.
        flip: mirrored.
        tint: strength.
    """

    def __init__(
        self,
        inputs: Inputs,
        statistics: dict[str, Any],
        widths: Sequence[int] = (16, 32, 64),
        dropout: float = 0.0,
        motion: bool = False,
        crop: float = 1.0,
        flip: bool = False,
        tint: float = 0.0,
    ) -> None:
        assert isinstance(inputs, Frames)
        mean, std = (
            statistics.get(key, [value] * inputs.channels) for key, value in (("mean", 0.0), ("std", 1.0))
        )
        super().__init__(inputs, mean, std, motion, crop, flip, tint)
        for width in widths:
            check_at_least("frontend.widths", width, 1)
        if not widths or min(inputs.height, inputs.width) < 2 ** len(widths):
            raise UserError(
                f"frontend.widths={list(widths)}: {len(widths)} halvings do not fit frames of "
                f"{inputs.height} × {inputs.width}."
            )
        layers: list[nn.Module] = []
        for before, after in zip([self.channels, *widths[:-1]], widths, strict=True):
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
        self.blocks = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.output_size = widths[-1]

    def encode(self, pictures: Tensor) -> Tensor:
        """Returns pictures (N, C', H, W) as features (N, I)."""
        return self.dropout(self.blocks(pictures).mean((2, 3)))
