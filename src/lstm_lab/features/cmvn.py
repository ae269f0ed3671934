"""Mean and variance normalisation over real frames only.

Shapes: B clips, T frames, F features.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

_SMALLEST = 1e-5  # a feature that never varies is left where it is instead of being blown up


def moments(batches: Iterable[tuple[Tensor, Tensor]]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each feature over all real frames of all batches.

    Args:
        batches: features (B, T, F) and lengths (B,) each.

    Returns:
        F means and F deviations as plain numbers, fit for a checkpoint.
    """
    count, total, squares = 0, torch.zeros(()), torch.zeros(())
    for features, lengths in batches:
        real = torch.arange(features.shape[1])[None, :] < lengths[:, None]
        rows = features[real].double()  # (frames, F)
        count += len(rows)
        total = total + rows.sum(dim=0)
        squares = squares + rows.square().sum(dim=0)
    mean = total / max(count, 1)
    deviation = (squares / max(count, 1) - mean.square()).clamp(min=0).sqrt()
    deviation = torch.where(deviation < _SMALLEST, 1.0, deviation)
    return mean.tolist(), deviation.tolist()


def per_clip(features: Tensor, lengths: Tensor, variance: bool = True) -> Tensor:
    """Takes off each clip its own mean, and divides by its own deviation, over its real frames; padding is zero.

    It frees a clip of its loudness and of its microphone, and also of what differs between speakers.
    """
    real = (torch.arange(features.shape[1], device=features.device)[None, :] < lengths[:, None])[..., None]
    count = lengths.clamp(min=1)[:, None, None].to(features.dtype)
    mean = torch.where(real, features, 0.0).sum(dim=1, keepdim=True) / count
    centred = torch.where(real, features - mean, 0.0)
    if not variance:
        return centred
    deviation = (centred.square().sum(dim=1, keepdim=True) / count).sqrt()
    return centred / deviation.clamp(min=_SMALLEST)


def level(features: Tensor, lengths: Tensor) -> Tensor:
    """Takes off each clip one mean, and divides by one deviation, over its real frames and all features together.

    Loudness and range of a recording go; which bands are strong, by which vowels differ, stays, as it does not in
    `per_clip`. Padding is zero.
    """
    real = (torch.arange(features.shape[1], device=features.device)[None, :] < lengths[:, None])[..., None]
    count = lengths.clamp(min=1)[:, None, None].to(features.dtype) * features.shape[2]
    mean = torch.where(real, features, 0.0).sum(dim=(1, 2), keepdim=True) / count
    centred = torch.where(real, features - mean, 0.0)
    deviation = (centred.square().sum(dim=(1, 2), keepdim=True) / count).sqrt()
    return centred / deviation.clamp(min=_SMALLEST)


def limit_range(features: Tensor, lengths: Tensor, decibels: float) -> Tensor:
    """Lifts what lies more than `decibels` below the loudest feature of a clip to that; of natural logarithms of power.

    How far the quiet lies below the loud tells of the room and of the recorder.
    """
    real = (torch.arange(features.shape[1], device=features.device)[None, :] < lengths[:, None])[..., None]
    loudest = features.masked_fill(~real, -torch.inf).amax(dim=(1, 2), keepdim=True)
    return torch.maximum(features, loudest - decibels * math.log(10) / 10)
