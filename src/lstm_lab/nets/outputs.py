"""What a forecasting head writes for each step: a point, quantiles, or the parameters of a distribution.

A net writes raw numbers for a normalised window; `place` turns them into parameters on the scale of the series
and `loss` compares these with the truth, one number a target.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from lstm_lab.errors import UserError, check_choice

# Added to every spread, as a share of the window's scale, so that no likelihood becomes infinite.
_LEAST = 1e-4

POINT: dict[str, Callable[..., Tensor]] = {"mae": F.l1_loss, "mse": F.mse_loss, "huber": F.huber_loss}


class Point:
    """One number a step, under an absolute, squared or Huber loss."""

    size = 1

    def __init__(self, loss: str) -> None:
        check_choice("task.loss", loss, POINT)
        self._loss = POINT[loss]

    def place(self, raw: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """Parameters (…, P) on the scale of the series from raw numbers (…, P); shift and scale are (…, 1)."""
        return raw * scale + shift

    def loss(self, parameters: Tensor, truth: Tensor) -> Tensor:
        """The loss of each target, of the shape of `truth`; parameters have P more at the end."""
        return self._loss(parameters[..., 0], truth, reduction="none")

    def centre(self, parameters: Tensor) -> Tensor:
        """The point forecast."""
        return parameters[..., 0]


class Quantiles(Point):
    """Quantiles that cannot cross: the middle one, and positive gaps to both sides of it.

    The loss is the pinball loss, averaged over levels and doubled, so that the median alone gives the absolute error
    (Koenker & Bassett 1978).

    Args:
        levels: an odd number of levels in rising order, 0.5 in the middle.
    """

    def __init__(self, levels: Sequence[float]) -> None:
        self.levels = list(levels)
        rising = all(0 < a < b < 1 for a, b in zip(self.levels, self.levels[1:], strict=False))
        self.middle = len(self.levels) // 2
        if len(self.levels) < 3 or not rising or self.levels[self.middle] != 0.5:
            raise UserError(f"task.levels={self.levels} must rise between 0 and 1, with 0.5 in the middle.")
        self.size = len(self.levels)

    def place(self, raw: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """As `Point.place`, in rising order."""
        below, middle, above = raw.split((self.middle, 1, self.size - self.middle - 1), dim=-1)
        # The gap next to the middle is the last of `below` and the first of `above`.
        low = middle - F.softplus(below).flip(-1).cumsum(-1).flip(-1)
        high = middle + F.softplus(above).cumsum(-1)
        return torch.cat([low, middle, high], dim=-1) * scale + shift

    def loss(self, parameters: Tensor, truth: Tensor) -> Tensor:
        """Twice the mean pinball loss of the levels."""
        levels = torch.tensor(self.levels, device=truth.device)
        missed = truth[..., None] - parameters
        return 2 * torch.maximum(levels * missed, (levels - 1) * missed).mean(-1)

    def centre(self, parameters: Tensor) -> Tensor:
        """The median."""
        return parameters[..., self.middle]


class Normal(Point):
    """Mean and standard deviation; the loss is the negative log-likelihood."""

    size = 2

    def __init__(self) -> None:
        pass

    def place(self, raw: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """As `Point.place`: location, spread, and whatever else the distribution has."""
        location, spread = raw[..., :1] * scale + shift, (F.softplus(raw[..., 1:2]) + _LEAST) * scale
        return torch.cat([location, spread, *self._shape(raw)], dim=-1)

    def _shape(self, raw: Tensor) -> list[Tensor]:
        return []

    def loss(self, parameters: Tensor, truth: Tensor) -> Tensor:
        """-log p(truth)."""
        z = (truth - parameters[..., 0]) / parameters[..., 1]
        return 0.5 * z**2 + parameters[..., 1].log() + 0.5 * math.log(2 * math.pi)


class StudentT(Normal):
    """Location, spread and degrees of freedom above 2: heavy tails that still have a variance."""

    size = 3

    def _shape(self, raw: Tensor) -> list[Tensor]:
        return [2 + F.softplus(raw[..., 2:3])]

    def loss(self, parameters: Tensor, truth: Tensor) -> Tensor:
        """-log p(truth)."""
        location, spread, freedom = parameters.unbind(-1)
        return -torch.distributions.StudentT(freedom, location, spread).log_prob(truth)


class NegativeBinomial(Normal):
    """Counts: mean μ and dispersion α, with variance μ + α μ² (DeepAR, Salinas et al. 2020)."""

    size = 2

    def place(self, raw: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """Mean and dispersion; only a window that is scaled but not shifted keeps counts counts."""
        mean = (F.softplus(raw[..., :1]) + _LEAST) * scale
        return torch.cat([mean, F.softplus(raw[..., 1:2]) + _LEAST], dim=-1)

    def loss(self, parameters: Tensor, truth: Tensor) -> Tensor:
        """-log p(truth)."""
        mean, alpha = parameters.unbind(-1)
        count, r = truth.clamp_min(0), 1 / alpha
        chance = torch.lgamma(count + r) - torch.lgamma(r) - torch.lgamma(count + 1)
        return -(chance - r * torch.log1p(alpha * mean) + count * (mean.log() - (r + mean).log()))


KINDS = ("point", "quantiles", "normal", "student_t", "negative_binomial")


def build_outputs(kind: str, loss: str = "mae", levels: Sequence[float] = (0.1, 0.5, 0.9)) -> Point:
    """Returns what a head writes, by its word."""
    check_choice("task.output", kind, KINDS)
    if kind == "point":
        return Point(loss)
    if kind == "quantiles":
        return Quantiles(levels)
    return {"normal": Normal, "student_t": StudentT, "negative_binomial": NegativeBinomial}[kind]()
