"""What is looked at after a test of forecasts: tables and pictures.

Shapes: W windows, S steps ahead, D series.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.figures.forecast import draw_forecast, draw_intervals, draw_overlay, draw_residuals, draw_steps
from lstm_lab.tasks import probabilistic

# Rows of the table of predictions at most: of long tests it holds the last origins.
_ROWS = 100_000


@dataclass
class Forecasts:
    """Forecasts of a part beside the truth.

    Attributes:
        origins: (W,), the row of the first target.
        truth: (W, S, D) float64, NaN where there is none.
        forecast: (W, S, D), as are `lower` and `upper`, None without an interval.
        crps: mean over targets, NaN without a distribution.
    """

    origins: np.ndarray
    truth: np.ndarray
    forecast: np.ndarray
    lower: np.ndarray | None
    upper: np.ndarray | None
    crps: float

    @property
    def first(self) -> int:
        """The number of the first series of which there is something to score."""
        return int(np.argmax((~np.isnan(self.truth)).any(axis=(0, 1))))


def as_table(found: Forecasts, data: TimeSeriesDataModule) -> pd.DataFrame:
    """Forecasts in long form, a row for each step of each origin and series; of long tests the last origins."""
    index, names = data.series.index, data.series.names
    windows, steps, count = found.forecast.shape
    kept = min(windows, max(1, _ROWS // (steps * count)))
    origins = found.origins[-kept:]
    rows = origins[:, None] + np.arange(steps)
    size = kept * steps * count
    columns = {
        "origin": np.repeat(index[origins - 1], steps * count),
        "step": np.tile(np.repeat(np.arange(1, steps + 1), count), kept),
        "time": np.repeat(index[rows.clip(max=len(index) - 1).flatten()], count),
        **({"series": np.tile(np.array(names), kept * steps)} if count > 1 else {}),
    }
    for name in ("truth", "forecast", "lower", "upper"):
        values = getattr(found, name)
        if values is not None:
            columns[name] = values[-kept:].reshape(size)
    table = pd.DataFrame(columns)
    return table[table["truth"].notna()].reset_index(drop=True)


def step_table(found: Forecasts, baselines: dict[str, np.ndarray], share: float) -> pd.DataFrame:
    """Errors by step ahead, a row a step: ours, what the interval held, and those of baselines.

    Args:
        found: our forecasts.
        baselines: (W, S, D) by name.
        share: that the interval should hold.
    """
    steps = found.forecast.shape[1]
    columns: dict[str, Any] = {"step": np.arange(1, steps + 1)}
    columns |= probabilistic.by_step(forecast=found.forecast, truth=found.truth)
    if found.lower is not None and found.upper is not None:
        parts = [
            {"lower": found.lower[:, s], "upper": found.upper[:, s], "truth": found.truth[:, s]}
            for s in range(steps)
        ]
        columns["coverage"] = [probabilistic.coverage(**part) for part in parts]
        columns["winkler"] = [probabilistic.winkler(**part, share=share) for part in parts]
    for name, forecast in baselines.items():
        theirs = probabilistic.by_step(forecast=forecast, truth=found.truth)
        columns |= {f"{key} of {name}": values for key, values in theirs.items()}
    return pd.DataFrame(columns)


def pictures(found: Forecasts, data: TimeSeriesDataModule, best: str, baseline: np.ndarray) -> dict[str, Any]:
    """Functions that draw, by the name of their picture; `best` is the baseline to beat."""
    residual = (found.truth - found.forecast)[:, 0, found.first]
    drawn: dict[str, Any] = {"forecast": partial(_fan, found, data, best, baseline)}
    if len(found.origins) > 1:
        if data.horizon > 1:
            table = {"forecast": found.forecast, best: baseline}
            curves = {
                name: probabilistic.by_step(forecast=one, truth=found.truth)["mae"]
                for name, one in table.items()
            }
            drawn["error_by_step"] = partial(draw_steps, errors=curves, unit=data.spec.unit)
            drawn["overlay"] = partial(_overlay, found, data)
        if len(residual) >= 20:
            drawn["residuals"] = partial(draw_residuals, residuals=residual[~np.isnan(residual)])
        if found.lower is not None and found.upper is not None:
            inside = (found.lower <= found.truth) & (found.truth <= found.upper)
            share = np.where(np.isnan(found.truth), np.nan, inside)
            covered = np.nanmean(share, axis=(0, 2)) if data.horizon > 1 else share[:, 0, found.first]
            drawn["interval"] = partial(
                draw_intervals, covered=covered, share=data.processor.uncertainty.share
            )
    return drawn


def _overlay(found: Forecasts, data: TimeSeriesDataModule, path: Path) -> None:
    """Forecasts of the first series that is scored, from origins one horizon apart, over the truth."""
    chosen = np.arange(len(found.origins) - 1, -1, -data.horizon)[:8][::-1]
    index = data.series.index
    paths = []
    for place in chosen:
        rows = found.origins[place] + np.arange(data.horizon)
        rows = rows[rows < len(index)]
        paths.append(pd.Series(found.forecast[place, : len(rows), found.first], index=index[rows]))
    first, last = found.origins[chosen[0]] - data.horizon, found.origins[chosen[-1]] + data.horizon
    truth = pd.Series(data.series.values[first:last, found.first], index=index[first:last])
    title = f"{data.series.name}: forecasts of {data.series.names[found.first]}, {data.horizon} steps each"
    draw_overlay(path, truth, paths, title, data.spec.unit)


def _fan(found: Forecasts, data: TimeSeriesDataModule, name: str, baseline: np.ndarray, path: Path) -> None:
    # One forecast step ahead from many origins reads best as one line; else the last origin is shown.
    one_line = data.horizon == 1
    rows = found.origins if one_line else found.origins[-1] + np.arange(data.horizon)
    pick = (slice(None), 0, found.first) if one_line else (-1, slice(None), found.first)
    index = data.series.index[rows[rows < len(data.series)]]
    names = (data.series.names[found.first],) if len(data.series.names) > 1 else ()
    shown = pd.DataFrame(
        {
            key: getattr(found, key)[pick][: len(index)]
            for key in ("truth", "forecast", "lower", "upper")
            if getattr(found, key) is not None
        },
        index=index,
    )
    values = pd.Series(
        data.series.values[: int(rows[0]), found.first], index=data.series.index[: int(rows[0])]
    )
    draw_forecast(
        path,
        values.tail(max(3 * len(shown), 3 * data.lookback_rows) if len(shown) < 500 else len(shown) // 3),
        shown.pop("truth"),
        shown,
        (name, pd.Series(baseline[pick][: len(index)], index=index)),
        title=f"{', '.join(dict.fromkeys((data.series.name, *names)))}: {data.protocol.partition(',')[0]}",
        unit=data.spec.unit,
    )
