"""Transforms of a whole series, fitted on training rows and inverted exactly.

A transform is a curve (raw, ``log``, ``log1p``, ``boxcox``) and then a scale (none, ``standard``, ``minmax``,
``robust``). What it was fitted to travels as plain numbers, see
`lstm_lab.data.timeseries.statistics.fit_moments`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lstm_lab.errors import UserError, check_choice

CURVES = ("log", "log1p", "boxcox")
_MEASURES = {"standard": ("mean", "std"), "minmax": ("min", "range"), "robust": ("median", "iqr")}
SCALES = tuple(_MEASURES)

# A logarithm stops at this share of the smallest training value: later rows may hold what training never saw.
_FLOOR = 0.01


class Transform(nn.Module):
    """A curve and a scale for each of C series, applied to tensors that end in (…, C).

    Args:
        words: at most one of `CURVES` and one of `SCALES`, in this order; none leaves values as they are.
        moments: numbers of the training rows by curve (``raw``, ``log``, …), each a list of C.

    Raises:
        UserError: for an unknown word, or a logarithm of a series whose training rows do not allow it.
    """

    shift: Tensor
    spread: Tensor
    power: Tensor
    floor: Tensor

    def __init__(self, words: Sequence[str], moments: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__()
        self.curve, self.scale = split_words(words)
        if self.curve not in moments:
            least = min(moments["raw"]["min"])
            needed = "values above -1" if self.curve == "log1p" else "positive values"
            raise UserError(
                f"task.transform={self.curve} needs {needed}; the training rows go down to {least:g}."
            )
        fitted = moments[self.curve]
        ones = torch.ones(len(fitted["mean"]))
        shift, spread = torch.zeros_like(ones), ones
        if self.scale != "none":
            shift, spread = (torch.tensor(fitted[name]) for name in _MEASURES[self.scale])
        self.register_buffer("shift", shift)
        self.register_buffer("spread", spread)
        self.register_buffer("power", torch.tensor(fitted.get("power", [1.0] * len(ones))))
        self.register_buffer("floor", _FLOOR * torch.tensor(moments["raw"]["min"]))

    def forward(self, values: Tensor) -> Tensor:
        """From the user's units to what the net works on."""
        if self.curve == "log":
            values = torch.maximum(values, self.floor).log()
        elif self.curve == "log1p":
            values = torch.maximum(values, self.floor.clamp_max(0.0)).log1p()
        elif self.curve == "boxcox":
            values = torch.maximum(values, self.floor).log()
            small = self.power.abs() < 1e-6
            power = torch.where(small, 1.0, self.power)
            values = torch.where(small, values, torch.expm1(power * values) / power)
        return (values - self.shift) / self.spread

    def inverse(self, u: Tensor) -> Tensor:
        """Back to the user's units."""
        values = u * self.spread + self.shift
        if self.curve == "log":
            return values.exp()
        if self.curve == "log1p":
            return values.expm1()
        if self.curve == "boxcox":
            small = self.power.abs() < 1e-6
            power = torch.where(small, 1.0, self.power)
            # Beyond the end of a Box-Cox curve there is no value: the forecast stops just before it.
            inner = (power * values).clamp_min(-1 + 1e-6)
            return torch.where(small, values, torch.log1p(inner) / power).exp()
        return values


def split_words(words: Sequence[str]) -> tuple[str, str]:
    """Returns (curve, scale) of a list such as ``[log, standard]``; ``raw`` and ``none`` where a word is missing."""
    curve, scale = "raw", "none"
    for word in words:
        if word == "none":
            continue
        check_choice("task.transform", word, (*CURVES, *SCALES, "none"))
        if word in CURVES:
            if curve != "raw" or scale != "none":
                raise UserError(
                    f"task.transform={list(words)}: one of {', '.join(CURVES)} stands first, once."
                )
            curve = word
        else:
            if scale != "none":
                raise UserError(f"task.transform={list(words)} names two scales.")
            scale = word
    return curve, scale
