"""What stands beside several series that are read one by one: columns for all of them, and columns of each.

Shapes: B windows, T rows, C series, N columns for all, Q columns that each series has for itself. These stand last, one
after the other, and within each series by series: (B, T, N + Q · C).
"""

from __future__ import annotations

import torch
from torch import Tensor


def deal(columns: Tensor, channels: int, own: int) -> Tensor:
    """Gives each series what is for all and what is its own: (B, T, N + Q · C) to (B, C, T, N + Q).

    Args:
        columns: numbers of each row.
        channels: C.
        own: Q.
    """
    shared = columns.shape[-1] - own * channels
    everyones = columns[..., :shared][:, None].expand(-1, channels, -1, -1)  # (B, C, T, N)
    if not own:
        return everyones
    theirs = columns[..., shared:].unflatten(-1, (own, channels)).permute(0, 3, 1, 2)  # (B, C, T, Q)
    return torch.cat([everyones, theirs], dim=-1)
