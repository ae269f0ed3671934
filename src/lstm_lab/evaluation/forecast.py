"""Scoring forecasts: every window of the test once, beside naive, statistical and linear forecasts."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from lstm_lab.baselines.forecast import forecast_baselines, one_step_baselines
from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.evaluation import Tested
from lstm_lab.figures.forecast import draw_forecast
from lstm_lab.predictor import Predictor
from lstm_lab.tasks.metrics import score

SHOWN = {"rmse": "RMSE", "mae": "MAE", "mape": "MAPE %", "smape": "sMAPE %", "mase": "MASE"}


def test(predictor: Predictor, data: TimeSeriesDataModule) -> Tested:
    """Scores every test window once, and the baselines on the same targets."""
    predictions = predict_windows(predictor, data, "test")
    # Copies, for pandas gives views that torch may not write to.
    truth = predictions["truth"].to_numpy(copy=True)
    scale = predictor.processor.statistics["mase"][0]
    metrics = score(predictions["forecast"].to_numpy(copy=True), truth, scale)
    if "lower" in predictions:
        inside = (predictions["lower"] <= predictions["truth"]) & (
            predictions["truth"] <= predictions["upper"]
        )
        metrics["coverage"] = float(inside.mean())
    forecasts, left_out = baseline_forecasts(data)
    rows = {name: score(forecast, truth, scale) for name, forecast in forecasts.items()}
    table = pd.DataFrame(rows).T.sort_values("rmse")
    found = {f"test/{name}": value for name, value in metrics.items()}
    best = forecasts[str(table.index[0])]
    return Tested(
        found,
        table,
        SHOWN,
        verdict(found, table),
        predictions,
        left_out=left_out,
        pictures={"forecast": partial(_draw, predictions, data, str(table.index[0]), best)},
    )


def predict_windows(predictor: Predictor, data: TimeSeriesDataModule, part: str) -> pd.DataFrame:
    """Forecasts every window of a part and lays it beside the truth, in long form."""
    loader = data.val_dataloader() if part == "validation" else data.test_dataloader()
    index, tables = data.series.index, []
    for batch in loader:
        found = predictor.predict_batch(batch)
        windows, steps, _ = found["forecast"].shape
        rows = batch.keys[:, None] + torch.arange(steps)
        known = batch.targets["horizon_mask"][:, :, 0].flatten().numpy()
        table = pd.DataFrame(
            {
                "origin": np.repeat(index[batch.keys.numpy() - 1], steps),
                "step": np.tile(np.arange(1, steps + 1), windows),
                "row": rows.flatten().numpy(),
                # The truth is the file's own number, not its 32-bit copy.
                "truth": data.series.values[rows.clamp(max=len(index) - 1).flatten().numpy(), 0],
                **{name: value[:, :, 0].flatten().double().numpy() for name, value in found.items()},
            }
        )
        tables.append(table[known])
    whole = pd.concat(tables, ignore_index=True)
    whole.insert(2, "time", index[whole.pop("row")])
    return whole


def baseline_forecasts(data: TimeSeriesDataModule) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Forecasts of all baselines for every test target, in the order of `predict_windows`."""
    values, split, horizon = data.series.values[:, 0], data.split, data.horizon
    statistics = data.processor.statistics
    season = statistics["block"] if statistics["seasonal"] else 0
    if split.rows - split.valid == horizon:
        found = forecast_baselines(values[: split.valid], horizon, season)
        return found.forecasts, found.left_out
    if horizon == 1:
        return one_step_baselines(values, split.valid, season), {}
    forecasts: dict[str, list[np.ndarray]] = {"naive": []}
    if season > 1:
        forecasts["seasonal naive"] = []
    for origin in range(split.valid, split.rows - horizon + 1):
        forecasts["naive"].append(np.full(horizon, values[origin - 1]))
        if season > 1:
            forecasts["seasonal naive"].append(values[origin - season + np.arange(horizon) % season])
    return {name: np.concatenate(parts) for name, parts in forecasts.items()}, {}


def verdict(metrics: dict[str, float], baselines: pd.DataFrame) -> str:
    """One line that says whether the model was worth training."""
    best = str(baselines.index[0])
    ratio = 1 - metrics["test/rmse"] / baselines["rmse"].iloc[0]
    mase = f"MASE {metrics['test/mase']:.2f}"
    if ratio > 0:
        return f"beats {best} by {100 * ratio:.0f} % in RMSE ({mase})"
    if ratio > -10:
        return f"does not beat {best}: RMSE {100 * -ratio:.0f} % above it ({mase})"
    ours, theirs = metrics["test/rmse"], baselines["rmse"].iloc[0]
    return f"does not beat {best}: RMSE {ours:.3g} against {theirs:.3g} ({mase})"


def _draw(
    table: pd.DataFrame, data: TimeSeriesDataModule, baseline: str, best: np.ndarray, path: Path
) -> None:
    # One forecast step ahead from many origins reads best as one line; else the last origin is shown.
    last = table["step"].eq(1) if data.horizon == 1 else table["origin"].eq(table["origin"].iloc[-1])
    shown = table[last].set_index("time")
    values = data.series.values[: data.split.rows, 0]
    history = pd.Series(values, index=data.series.index)
    history = history[history.index < shown.index[0]].tail(max(3 * len(shown), 3 * data.lookback_rows))
    draw_forecast(
        path,
        history,
        shown["truth"],
        shown[[name for name in ("forecast", "lower", "upper") if name in shown]],
        (baseline, pd.Series(best[last.to_numpy()], index=shown.index)),
        title=f"{data.series.name}: {data.protocol}",
        unit=data.spec.unit,
    )
