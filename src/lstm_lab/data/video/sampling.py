"""Which frames of a clip are read.

Shapes: B clips, T frames that are read of the longest choice.
"""

from __future__ import annotations

import torch
from torch import Tensor

WAYS = ("uniform", "segment", "dense", "all")


def choose_frames(
    lengths: Tensor, count: int, way: str, draws: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Chooses frames of clips; one shorter than `count` gives all it has, never one twice.

    * ``uniform``: from the middles of `count` equal stretches.
    * ``segment``: in training anywhere in each stretch, else from its middle (Wang et al. 2016, "Temporal segment
      networks").
    * ``dense``: `count` frames in a row, in training from anywhere, else from the middle of the clip.
    * ``all``: every frame.

    Args:
        lengths: (B,) frames of each clip.
        count: frames to choose.
        way: one of the words above.
        draws: (B, `count`) in [0, 1) for training, None otherwise.

    Returns:
        Numbers of frames (B, T), zero on padding, and how many are real (B,).
    """
    if way == "all":
        chosen = lengths
        places = torch.arange(int(lengths.max())).expand(len(lengths), -1)
    else:
        chosen = lengths.clamp(max=count)
        steps = torch.arange(int(chosen.max()))
        if way == "dense":
            room = lengths - chosen  # first frames that are possible, less one
            start = room // 2 if draws is None else (draws[:, 0] * (room + 1)).long()
            places = start[:, None] + steps
        elif way == "segment" and draws is not None:
            first = (
                steps * lengths[:, None] // chosen[:, None]
            )  # of each stretch; whole numbers, so that none overlap
            after = (steps + 1) * lengths[:, None] // chosen[:, None]
            places = first + (draws[:, : len(steps)] * (after - first)).long()
        else:
            places = ((steps + 0.5) * (lengths / chosen)[:, None]).long()
    real = torch.arange(places.shape[1]) < chosen[:, None]
    return torch.where(real, places.minimum(lengths[:, None] - 1), 0), chosen
