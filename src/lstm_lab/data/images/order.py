"""How a picture becomes a sequence: its rows or its pixels, one step each, perhaps permuted.

Reading MNIST pixel by pixel, and in one fixed random order, is the test of long memory of Le, Jaitly & Hinton
(2015), "A simple way to initialize recurrent networks of rectified linear units".

Shapes: N pictures, H rows, W columns, C channels, T steps, F features of a step.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lstm_lab.errors import check_choice

ORDERS = ("rows", "pixels")


def permutation(steps: int, seed: int) -> Tensor:
    """Returns the fixed random order of `steps` steps that belongs to a seed, (T,) int64."""
    return torch.randperm(steps, generator=torch.Generator().manual_seed(seed))


def step_names(order: str, width: int, channels: int) -> tuple[str, ...]:
    """Returns the name of each feature of a step."""
    check_choice("data.order", order, ORDERS)
    shades = ("grey",) if channels == 1 else ("red", "green", "blue")
    if order == "pixels":
        return shades
    if channels == 1:
        return tuple(f"column {column}" for column in range(width))
    return tuple(f"column {column} {shade}" for column in range(width) for shade in shades)


def to_sequence(images: Tensor, order: str, permuted: Tensor | None = None) -> Tensor:
    """Lays pictures out in time.

    Args:
        images: (N, H, W, C).
        order: ``rows``: T = H steps of F = W·C; ``pixels``: T = H·W steps of F = C, row after row.
        permuted: (T,) order in which the steps are read; as they stand if None.

    Returns:
        (N, T, F), a view where nothing is permuted.
    """
    check_choice("data.order", order, ORDERS)
    sequence = images.flatten(2) if order == "rows" else images.flatten(1, 2)
    return sequence if permuted is None else sequence[:, permuted]
