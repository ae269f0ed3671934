"""Frames that need no learning: the last one once more, and the mean of those that are known."""

from __future__ import annotations

from torch import Tensor


def copy_last(known: Tensor, steps: int) -> Tensor:
    """Returns the last of the known frames (B, T, C, H, W), `steps` times."""
    return known[:, -1:].expand(-1, steps, -1, -1, -1)


def mean_frame(known: Tensor, steps: int) -> Tensor:
    """Returns the mean of the known frames (B, T, C, H, W), `steps` times."""
    return known.mean(1, keepdim=True).expand(-1, steps, -1, -1, -1)


FRAME_BASELINES = {"copy last frame": copy_last, "mean frame": mean_frame}
