"""How far predicted frames are from the true ones, a number for each frame.

The "MSE" of the literature on moving digits sums squared errors over the pixels of a frame; elsewhere it is their
mean, which is H·W times smaller. Both stand here under names that say which.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

# A frame without error would have an infinite ratio, and so would the mean over all frames.
_PEAK_DB = 100.0


def frame_metrics(predicted: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """Compares frames.

    Args:
        predicted: (B, S, C, H, W), pixels from 0 to 1.
        truth: likewise.

    Returns:
        (B, S) each: ``mse_frame_sum`` and ``mae_frame_sum`` over the pixels of a frame, ``mse_pixel`` their mean,
        ``psnr`` = 10 log10(1 / ``mse_pixel``) in dB, at most 100, and ``ssim`` (Wang et al. 2004; Gaussian window of
        11 pixels and a deviation of 1.5, mean over the channels).
    """
    error = predicted - truth
    squared = error.square()
    pixel = squared.mean((2, 3, 4))
    found = structural_similarity_index_measure(
        predicted.flatten(0, 1), truth.flatten(0, 1), data_range=1.0, reduction="none"
    )
    assert isinstance(found, Tensor)
    return {
        "mse_frame_sum": squared.sum((2, 3, 4)),
        "mse_pixel": pixel,
        "mae_frame_sum": error.abs().sum((2, 3, 4)),
        "ssim": found.view(predicted.shape[:2]),
        "psnr": (-10 * torch.log10(pixel)).clamp(max=_PEAK_DB),
    }
