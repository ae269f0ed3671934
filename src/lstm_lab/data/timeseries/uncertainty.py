"""What a processor knows of its forecasts' errors: set once by validation, added to every forecast after that.

Shapes: B or W windows, S steps ahead, D series, Q levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.timeseries import interval


@dataclass
class Uncertainty:
    """Interval and distribution around forecasts, as plain data.

    Attributes:
        usual: how far point forecasts were off on average, (S, D); empty for heads that write quantiles.
        widths: what the interval has on both sides, (S, D), of points in units of
            `lstm_lab.data.timeseries.interval.scale`; empty before calibration.
        offsets: quantiles of truth minus forecast in the same units, (S, D, Q); empty for heads that write quantiles.
        levels: the levels Q of `offsets`, or of the quantiles that the head writes.
        share: of future values that the interval should hold.
    """

    usual: list[list[float]] = field(default_factory=list)
    widths: list[list[float]] = field(default_factory=list)
    offsets: list[list[list[float]]] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)
    share: float = 0.8

    @classmethod
    def calibrated(
        cls,
        found: Sequence[tuple[dict[str, Tensor], Batch]],
        block: int,
        share: float,
        levels: Sequence[float] | None,
    ) -> Uncertainty:
        """Measures (conformal) errors of forecasts of rows that training did not see.

        Args:
            found: predictions and the batches that they are for.
            block: steps of a season.
            share: of future values that the interval should hold.
            levels: of the quantiles that the head writes, if it does.
        """

        def joined(pick: Any) -> np.ndarray:
            return torch.cat([pick(*pair).cpu().double() for pair in found]).numpy()

        truth = joined(lambda _, batch: batch.targets["horizon"])
        truth[~joined(lambda _, batch: batch.targets["horizon_mask"]).astype(bool)] = np.nan
        if "quantiles" in found[0][0]:
            quantiles = joined(lambda predictions, _: predictions["quantiles"])
            errors = interval.outside(quantiles, truth, list(levels or []), share)
            widths = interval.margins(errors, block, share)
            return cls(widths=widths.tolist(), levels=list(levels or []), share=share)
        errors = np.abs(truth - joined(lambda predictions, _: predictions["forecast"]))
        several = "scatter" in found[0][0]
        scatter = joined(lambda predictions, _: predictions["scatter"]) if several else np.zeros_like(errors)
        usual = interval.usual(errors, block)
        errors = errors / interval.scale(usual, scatter)
        steps = errors.shape[1]  # as one season: the scale has grown already
        return cls(
            usual=usual.tolist(),
            widths=interval.margins(errors, steps, share).tolist(),
            offsets=interval.offsets(errors, steps).tolist(),
            levels=list(interval.LEVELS),
            share=share,
        )

    def finish(self, predictions: dict[str, Tensor]) -> dict[str, Tensor]:
        """Adds ``lower`` and ``upper`` to ``forecast`` (B, S, D), once calibrated; NaN beyond the horizon."""
        if not self.widths:
            return predictions
        low = high = forecast = predictions["forecast"]
        if "quantiles" in predictions:
            first, last = interval.ends(self.levels, self.share)
            low, high = predictions["quantiles"][..., first], predictions["quantiles"][..., last]
        half = self._scale(predictions) * _up_to(self.widths, forecast.shape[1])
        return {**predictions, "lower": low - half, "upper": high + half}

    def distribution(self, predictions: dict[str, Tensor]) -> tuple[Tensor, list[float]] | None:
        """Quantiles (B, S, D, Q) and their levels: the head's own, or the forecast with its validation errors."""
        if "quantiles" in predictions:
            return predictions["quantiles"], self.levels
        forecast = predictions["forecast"]
        if not self.offsets or forecast.shape[1] > len(self.offsets):
            return None
        spread = self._scale(predictions)[..., None] * _up_to(self.offsets, forecast.shape[1])
        return forecast[..., None] + spread, self.levels

    def _scale(self, predictions: dict[str, Tensor]) -> Tensor:
        """What `widths` and `offsets` are in units of, (B, S, D); ones for quantiles."""
        forecast = predictions["forecast"]
        if not self.usual:
            return torch.ones_like(forecast)
        scatter = predictions.get("scatter", torch.zeros_like(forecast))
        return interval.scale(_up_to(self.usual, forecast.shape[1]), scatter)


def _up_to(numbers: list[Any], steps: int) -> Tensor:
    """Numbers of each step, (S, …), cut or filled up with NaN."""
    known = torch.tensor(numbers)[:steps]
    missing = known.new_full((steps - len(known), *known.shape[1:]), torch.nan)
    return torch.cat([known, missing])
