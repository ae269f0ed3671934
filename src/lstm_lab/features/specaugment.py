"""SpecAugment: bands of frequency and stretches of time are blanked, anew for every sample.

Park et al. 2019, "SpecAugment: A Simple Data Augmentation Method for Automatic Speech Recognition". Every sample
has masks of its own, none begins behind its last real frame, and widths in time are a share of its length, so that
a short clip is never blanked whole.

Shapes: B samples, T frames, F features, M masks.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from lstm_lab.errors import check_at_least


def spec_augment(
    features: Tensor,
    lengths: Tensor,
    time_masks: int = 2,
    time_share: float = 0.1,
    feature_masks: int = 2,
    feature_width: int = 8,
    groups: int = 1,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Blanks stretches and bands of (B, T, F) with zero, the mean of normalised features.

    Args:
        features: normalised features.
        lengths: (B,) real frames.
        time_masks: stretches a sample.
        time_share: longest stretch as a share of the sample's frames.
        feature_masks: bands a sample.
        feature_width: widest band, in features.
        groups: into how many groups of F / groups features a band is repeated: 3 where slopes and slopes of slopes
            stand beside the features, so that a blanked band cannot be read off them.
        generator: where the masks come from; torch's own if not given.

    Raises:
        UserError: for numbers that cannot be.
    """
    check_at_least("model.frontend.time_masks", time_masks, 0)
    check_at_least("model.frontend.feature_masks", feature_masks, 0)
    count, frames, size = features.shape
    band = size // groups
    draw: dict[str, Any] = {"generator": generator, "device": features.device}
    blank = torch.zeros(count, frames, size, dtype=torch.bool, device=features.device)
    if time_masks and time_share:
        share = torch.rand(count, time_masks, **draw) * time_share
        width = share * lengths[:, None]
        begin = torch.rand(count, time_masks, **draw) * (lengths[:, None] - width)
        step = torch.arange(frames, device=features.device)[None, None, :]  # (1, 1, T)
        inside = (step >= begin[..., None].floor()) & (step < (begin + width)[..., None].floor())
        blank |= inside.any(dim=1)[:, :, None]
    if feature_masks and feature_width:
        width = torch.rand(count, feature_masks, **draw) * min(feature_width, band)
        begin = torch.rand(count, feature_masks, **draw) * (band - width)
        step = torch.arange(band, device=features.device)[None, None, :]  # (1, 1, F / groups)
        inside = (step >= begin[..., None].round()) & (step < (begin + width)[..., None].round())
        blank |= inside.any(dim=1).repeat(1, groups)[:, None, :]
    return features.masked_fill(blank, 0.0)


def tilt(features: Tensor, decibels: float, generator: torch.Generator | None = None) -> Tensor:
    """Raises low against high bands, or the middle against both, anew for every sample; of natural logarithms of power.

    Voices, rooms and microphones differ in the slope of their spectra.

    Args:
        features: (B, T, F), in order of frequency.
        decibels: standard deviation of what the slope adds to the highest band, and twice that of the bow.
        generator: where the draws come from; torch's own if not given.
    """
    draw: dict[str, Any] = {"generator": generator, "device": features.device, "dtype": features.dtype}
    slope, bow = torch.randn(2, len(features), 1, 1, **draw) * (decibels * math.log(10) / 10)
    place = torch.linspace(-1, 1, features.shape[2], device=features.device, dtype=features.dtype)
    return features + slope * place + 0.5 * bow * (1.5 * place**2 - 0.5)  # Legendre polynomials 1 and 2
