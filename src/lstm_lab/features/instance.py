"""Normalisation of each window by its own values, undone on the forecast.

Shapes: B windows, C series, L rows read, S rows forecast, P numbers a row (one, or the parameters of a
distribution).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lstm_lab.errors import check_choice

WINDOWS = ("none", "last", "mean", "revin", "difference", "seasonal", "both")
# A window without movement is not blown up: the smallest spread that is divided by.
_LEAST = 1e-5


class Affine(nn.Module):
    """Subtracts and divides by numbers of the window.

    ``last`` subtracts the last value (SegRNN, Lin et al. 2023; NLinear, Zeng et al. 2023); ``mean`` divides by the
    mean absolute value (DeepAR, Salinas et al. 2020); ``revin`` standardises, with a learnt slope and offset for each
    series (Kim et al. 2022); ``none`` does nothing.

    Args:
        word: one of these.
        channels: C.
    """

    def __init__(self, word: str, channels: int) -> None:
        super().__init__()
        check_choice("task.window", word, ("none", "last", "mean", "revin"))
        self.word = word
        self.slope = nn.Parameter(torch.ones(channels, 1)) if word == "revin" else None
        self.offset = nn.Parameter(torch.zeros(channels, 1)) if word == "revin" else None

    def forward(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns z (B, C, L) and the shift and scale (B, C, 1) with u = z · scale + shift."""
        shift, scale = torch.zeros_like(u[..., :1]), torch.ones_like(u[..., :1])
        if self.word == "last":
            shift = u[..., -1:]
        elif self.word == "mean":
            scale = u.abs().mean(dim=-1, keepdim=True).clamp_min(_LEAST)
        elif self.slope is not None and self.offset is not None:
            mean = u.mean(dim=-1, keepdim=True)
            spread = u.var(dim=-1, keepdim=True, correction=0).add(_LEAST).sqrt()
            scale = spread / torch.where(self.slope.abs() < _LEAST, _LEAST, self.slope)
            shift = mean - self.offset * scale
        return (u - shift) / scale, shift, scale


class Difference(nn.Module):
    """Differences at one or several distances, undone by adding up from the window's last rows.

    Args:
        lags: distances in the order in which they are taken, such as ``(12, 1)``.
    """

    def __init__(self, lags: tuple[int, ...]) -> None:
        super().__init__()
        self.lags = lags

    def forward(self, u: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Returns the differences (B, C, L), zero where there is no row to subtract, and the rows to add up from."""
        ends, known = [], 0
        for lag in self.lags:
            ends.append(u[..., -lag:])
            known += lag
            moved = u[..., lag:] - u[..., :-lag]
            u = torch.nn.functional.pad(moved, (lag, 0))
            u = torch.cat([torch.zeros_like(u[..., :known]), u[..., known:]], dim=-1)
        return u, ends

    def inverse(self, z: Tensor, ends: list[Tensor]) -> Tensor:
        """Adds forecast differences (B, C, S) up from the rows that `forward` kept."""
        for lag, end in zip(reversed(self.lags), reversed(ends), strict=True):
            steps = z.shape[-1]
            whole = torch.nn.functional.pad(z, (0, -steps % lag)).unflatten(-1, (-1, lag))
            z = (whole.cumsum(dim=-2) + end[..., None, :]).flatten(-2)[..., :steps]
        return z


def lags_of(word: str, season: int) -> tuple[int, ...]:
    """The distances that a word of `WINDOWS` means."""
    m = max(season, 1)
    return {"difference": (1,), "seasonal": (m,), "both": (m, 1) if m > 1 else (1, 1)}.get(word, ())
