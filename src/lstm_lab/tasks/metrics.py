"""Errors of a forecast in the user's units.

Each metric is a mean of terms over real targets: its states are a sum and a count, added up over batches and
over ranks, so that neither the batch size nor the number of devices changes the result. Sums are kept in
64 bits where the device has them. Symbols: y truth, f forecast.

All arguments of ``update`` are keywords: two columns of numbers are swapped too easily, and MAPE and MASE
would not complain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric, MetricCollection

# Kinds of device that cannot hold float64.
_WITHOUT_DOUBLE = {"mps"}


class ForecastMetric(Metric):
    """A mean over real targets; a subclass says of what.

    ``compute`` gives nan where nothing was counted.
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, *, forecast: Tensor, truth: Tensor, mask: Tensor | None = None) -> None:
        """Adds targets of any shape.

        Args:
            forecast: values that were forecast.
            truth: what happened, of the same shape.
            mask: of the same shape, True where a target is real; what is masked may hold anything, nan too.

        Raises:
            ValueError: the shapes differ. Broadcasting (B, 1) against (B,) would compare every pair.
        """
        for name, other in (("truth", truth), ("mask", mask)):
            if other is not None and other.shape != forecast.shape:
                raise ValueError(
                    f"forecast {tuple(forecast.shape)} and {name} {tuple(other.shape)} differ in shape"
                )
        if mask is not None:
            mask = mask.bool()
            forecast, truth = forecast[mask], truth[mask]
        terms = self.terms(forecast.detach().to(self.total.dtype), truth.detach().to(self.total.dtype))
        self.total += terms.sum()
        self.count += terms.numel()

    def terms(self, forecast: Tensor, truth: Tensor) -> Tensor:
        """What is averaged, one number a target that counts."""
        raise NotImplementedError

    def compute(self) -> Tensor:
        """The mean of the terms so far."""
        return self.total / self.count

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = "") -> Metric:
        # A Metric ignores .half() and .float(), but moves with its module, and MPS refuses float64.
        if self.total.dtype == torch.float64 and fn(torch.zeros(())).device.type in _WITHOUT_DOUBLE:
            self.total = self.total.float()
            self._defaults["total"] = torch.zeros((), dtype=torch.float32, device=self.total.device)
        super()._apply(fn, exclude_state)
        return self


class RMSE(ForecastMetric):
    """Root mean square error, √ mean (f - y)²."""

    def terms(self, forecast: Tensor, truth: Tensor) -> Tensor:
        """(f - y)²."""
        return (forecast - truth) ** 2

    def compute(self) -> Tensor:
        """The root of the mean over everything, not the mean of the batches' roots."""
        return super().compute().sqrt()


class MAE(ForecastMetric):
    """Mean absolute error, mean |f - y|."""

    def terms(self, forecast: Tensor, truth: Tensor) -> Tensor:
        """|f - y|."""
        return (forecast - truth).abs()


class MAPE(ForecastMetric):
    """Mean absolute percentage error, 100 · mean |f - y| / |y|, in percent.

    Targets whose truth is zero have no percentage error. They are left out of the mean and counted in the
    state ``zeros``; nan if all are zero.
    """

    zeros: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("zeros", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def terms(self, forecast: Tensor, truth: Tensor) -> Tensor:
        """100 |f - y| / |y| where y is not zero."""
        real = truth != 0
        self.zeros += (~real).sum()
        return 100 * ((forecast[real] - truth[real]) / truth[real]).abs()


class SMAPE(ForecastMetric):
    """Symmetric MAPE of the M4 competition, 200 · mean |f - y| / (|f| + |y|), in percent, from 0 to 200.

    Where forecast and truth are both zero the term is zero.
    """

    def terms(self, forecast: Tensor, truth: Tensor) -> Tensor:
        """200 |f - y| / (|f| + |y|)."""
        size = forecast.abs() + truth.abs()
        return 200 * (forecast - truth).abs() / torch.where(size == 0, 1, size)


class MASE(ForecastMetric):
    """Mean absolute scaled error: MAE over that of the seasonal naive forecast in training.

    Hyndman & Koehler 2006, "Another look at measures of forecast accuracy".

    Args:
        scale: mean |y_t - y_{t-m}| over the training rows alone, m the season or 1. Where it is zero
            (a constant series) or nan, MASE is not defined and ``compute`` gives nan.
    """

    def __init__(self, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = float(scale)

    def terms(self, forecast: Tensor, truth: Tensor) -> Tensor:
        """|f - y|; the scale is divided out at the end."""
        return (forecast - truth).abs()

    def compute(self) -> Tensor:
        """MAE / scale."""
        return super().compute() / (self.scale if self.scale > 0 else torch.nan)


def forecast_metrics(scale: float) -> MetricCollection:
    """Returns the metrics of every forecast, keyed ``rmse mae mape smape mase``.

    Args:
        scale: the scale of `MASE`, from the training rows alone.
    """
    return MetricCollection(
        {"rmse": RMSE(), "mae": MAE(), "mape": MAPE(), "smape": SMAPE(), "mase": MASE(scale)},
        # Said, not guessed: torchmetrics would join metrics whose first sums happen to be equal, such as
        # the RMSE and MAE of a first batch without error, for ever.
        compute_groups=[["rmse"], ["mae", "mase"], ["mape"], ["smape"]],
    )


def score(forecast: np.ndarray, truth: np.ndarray, scale: float) -> dict[str, float]:
    """Scores one array of forecasts against the truth, with the same metrics as a training run."""
    metrics = forecast_metrics(scale)
    metrics.update(
        forecast=torch.as_tensor(np.asarray(forecast, float)), truth=torch.as_tensor(np.asarray(truth, float))
    )
    return {name: float(value) for name, value in metrics.compute().items()}
