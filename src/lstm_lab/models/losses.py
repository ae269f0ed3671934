"""Training losses between two log points: kept on the device, summed up once."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, distributed

from lstm_lab.errors import DivergedError


class Losses:
    """The losses of optimiser steps that have not been logged yet.

    Attributes:
        seen: optimiser steps whose losses have been summed up.
    """

    def __init__(self) -> None:
        self._each: list[Tensor] = []
        self.seen = 0

    def __bool__(self) -> bool:
        return bool(self._each)

    def add(self, loss: Tensor) -> None:
        """Notes the loss of a step; no device is asked for its value."""
        self._each.append(loss.detach())

    def mean(self, world: int = 1) -> Tensor:
        """The mean since the last time, over all processes.

        Raises:
            DivergedError: naming the first optimiser step whose loss was NaN or infinite.
        """
        losses = torch.stack(self._each)
        if world > 1:
            distributed.all_reduce(losses)
            losses = losses / world
        self._each = []
        mean = losses.mean()
        if not math.isfinite(mean):  # the one device synchronisation between two validations
            wrong = (~torch.isfinite(losses)).nonzero()
            place = int(wrong[0]) if len(wrong) else len(losses) - 1
            raise DivergedError(
                f"the loss was {losses[place]:.4g} at step {self.seen + place + 1}: training diverged."
            )
        self.seen += len(losses)
        return mean

    def to_plain(self) -> dict[str, Any]:
        """What a resumed run goes on from."""
        return {"losses": [loss.clone() for loss in self._each], "steps_seen": self.seen}

    def load(self, plain: dict[str, Any], device: torch.device) -> None:
        """Goes on from what `to_plain` gave."""
        self._each = [loss.to(device) for loss in plain.get("losses", [])]
        self.seen = plain.get("steps_seen", 0)
