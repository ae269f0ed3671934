"""What happens to clips on the device: shades to numbers, and changes that are the same for all frames of a clip.

Shapes: B clips, T frames, C channels, H rows, W columns.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def to_unit(frames: Tensor) -> Tensor:
    """Returns frames as float32, uint8 from 0 to 1."""
    return frames.float() / 255 if frames.dtype == torch.uint8 else frames.float()


def differences(frames: Tensor) -> Tensor:
    """Returns what changed since the frame before, (B, T, C, H, W); zero for the first."""
    return torch.cat([torch.zeros_like(frames[:, :1]), frames[:, 1:] - frames[:, :-1]], dim=1)


def move_clips(frames: Tensor, crop: float, flip: bool, rotate: float = 0.0) -> Tensor:
    """Cuts, mirrors and turns each clip at random, all its frames alike.

    Args:
        frames: (B, T, C, H, W), float.
        crop: the least share of rows and columns that a cut keeps; it is brought back to H × W. 1 cuts nothing.
        flip: whether half of the clips are mirrored, left for right.
        rotate: degrees by which a clip is turned at the most.
    """
    batch = len(frames)
    draw = torch.rand(batch, 5, device=frames.device)
    share = crop + (1 - crop) * draw[:, 0]
    mirror = torch.where(draw[:, 1] < 0.5, -1.0, 1.0) if flip else torch.ones_like(share)
    angle = (2 * draw[:, 2] - 1) * math.radians(rotate)
    shift = (2 * draw[:, 3:] - 1) * (1 - share)[:, None]
    aspect = frames.shape[-1] / frames.shape[-2]
    cos, sin = angle.cos() * share, angle.sin() * share
    # Rows of the map from where a pixel lands to where it comes from, in coordinates from -1 to 1.
    across = torch.stack([mirror * cos, -sin / aspect, shift[:, 0]], dim=-1)
    down = torch.stack([mirror * sin * aspect, cos, shift[:, 1]], dim=-1)
    size = [batch, 1, *frames.shape[-2:]]
    grid = F.affine_grid(torch.stack([across, down], dim=1), size, align_corners=False)
    # A clip is one picture with T·C channels, so all of it moves along the same grid.
    moved = F.grid_sample(frames.flatten(1, 2), grid, padding_mode="reflection", align_corners=False)
    return moved.view_as(frames)


def tint_clips(frames: Tensor, strength: float) -> Tensor:
    """Changes brightness, contrast and saturation of each clip at random, all its frames alike.

    Args:
        frames: (B, T, C, H, W) from 0 to 1.
        strength: by what share at the most.

    Returns:
        Frames from 0 to 1.
    """
    factors = 1 + strength * (2 * torch.rand(len(frames), 3, device=frames.device) - 1)
    bright, contrast, saturation = factors[:, :, None, None, None, None].unbind(1)
    frames = frames * bright
    middle = frames.mean((1, 2, 3, 4), keepdim=True)
    frames = (frames - middle) * contrast + middle
    grey = frames.mean(2, keepdim=True)
    return ((frames - grey) * saturation + grey).clamp(0, 1)
