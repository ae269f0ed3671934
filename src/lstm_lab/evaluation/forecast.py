"""Scoring forecasts: every window of the test once, beside naive, statistical and linear forecasts.

Shapes: W windows, S steps ahead, D series.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lstm_lab.baselines.cached import one_origin, one_step
from lstm_lab.baselines.rolling import rolling_baselines
from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.data.files import cache_dir
from lstm_lab.data.timeseries.interval import offsets
from lstm_lab.data.timeseries.statistics import fill
from lstm_lab.evaluation import Tested
from lstm_lab.evaluation.forecast_beside import linear_with_covariates
from lstm_lab.evaluation.forecast_views import Forecasts, as_table, pictures, step_table
from lstm_lab.predictor import Predictor
from lstm_lab.tasks import probabilistic
from lstm_lab.tasks.metrics import score

SHOWN = {"rmse": "RMSE", "mae": "MAE", "mape": "MAPE %", "smape": "sMAPE %", "mase": "MASE"}
STANDARDISED = {"mse_standardised": "MSE, standardised", "mae_standardised": "MAE, standardised"}
# Windows that are forecast at a time.
_WINDOWS = 256


def test(predictor: Predictor, data: TimeSeriesDataModule) -> Tested:
    """Scores every test window once, and the baselines on the same targets."""
    return judge_forecasts(forecast_part(predictor, data, "test"), predictor, data)


def judge_forecasts(found: Forecasts, predictor: Predictor, data: TimeSeriesDataModule) -> Tested:
    """Scores forecasts of test windows, and the baselines from the same origins."""
    scorer = Scorer(predictor.processor.statistics, found.truth, data.scored)
    share = predictor.processor.uncertainty.share
    metrics = scorer(found.forecast) | _interval(found, share)
    if "crps" in metrics:
        metrics["crps_naive"] = naive_crps(data, found, predictor.processor.uncertainty.levels)
    rows, best, left_out = {}, ("", found.forecast, np.inf), {}
    for name, forecast, reason in baselines(data, found.origins):
        if reason:
            left_out[name] = reason
            continue
        rows[name] = scorer(forecast)
        if rows[name][scorer.deciding] < best[2]:
            best = (name, forecast, rows[name][scorer.deciding])
    table = pd.DataFrame(rows).T.sort_values(scorer.deciding)
    against = _against_naive(found, data) if data.horizon == 1 else {}
    ours = {f"test/{name}": value for name, value in (metrics | against).items()}
    return Tested(
        ours,
        table,
        scorer.shown,
        verdict(ours, table, scorer.deciding, no_skill=data.series.freq == "B" and not _skill(against)),
        as_table(found, data),
        left_out=left_out,
        pictures=pictures(found, data, best[0], best[1]),
        tables={"by_step": step_table(found, {best[0]: best[1]}, share)} if data.horizon > 1 else {},
        notes=_notes(ours, against, predictor, data),
    )


class Scorer:
    """The same scores for every forecast of one test.

    Args:
        statistics: what was measured on the training rows.
        truth: (W, S, D).
        scored: ``units`` or ``standardised``.
    """

    def __init__(self, statistics: dict[str, Any], truth: np.ndarray, scored: str) -> None:
        self.statistics, self.truth = statistics, truth
        self.standardised = scored == "standardised"
        self.shown = STANDARDISED if self.standardised else SHOWN
        self.deciding = next(iter(self.shown))
        self._known = ~np.isnan(truth)

    def __call__(self, forecast: np.ndarray) -> dict[str, float]:
        """Scores one forecast (W, S, D)."""
        found: dict[str, float] = {}
        raw = self.statistics["moments"]["raw"]
        error = np.where(self._known, forecast - self.truth, np.nan)
        if self.standardised or self.truth.shape[2] > 1:
            scaled = error / np.array(raw["std"])
            found |= {"mse_standardised": float(np.nanmean(scaled**2))}
            found |= {"mae_standardised": float(np.nanmean(np.abs(scaled)))}
        if self.truth.shape[2] == 1:
            known = self._known[..., 0]
            return score(forecast[..., 0][known], self.truth[..., 0][known], self.statistics["mase"][0]) | {
                "rmsse": float(np.sqrt(np.nanmean(error**2))) / self.statistics["rmsse"][0],
                **found,
            }
        flat = score(forecast[self._known], self.truth[self._known], 1.0)
        # Of several series MASE and RMSSE are means over the series, each in its own unit.
        flat["mase"] = float(np.nanmean(np.abs(error) / np.array(self.statistics["mase"])))
        there = self._known.any(axis=(0, 1))  # a series may have ended before the test
        each = (
            np.sqrt(np.nanmean(error[..., there] ** 2, axis=(0, 1)))
            / np.array(self.statistics["rmsse"])[there]
        )
        return flat | {"rmsse": float(each.mean()), **found}


def forecast_part(predictor: Predictor, data: TimeSeriesDataModule, part: str) -> Forecasts:
    """Forecasts every window of a part, many at a time; data are coded as the predictor's were."""
    data.suit(predictor.task.to_plain())
    data.follow(predictor.processor)
    windows, series = data.windows(part), data.series
    parts: dict[str, list[np.ndarray]] = {"forecast": [], "lower": [], "upper": []}
    scores, counts = [], []
    origins = windows.origins.numpy()
    rows = origins[:, None] + np.arange(data.horizon)
    # The truth is the file's own number, not its 32-bit copy.
    truth = series.values[rows.clip(max=len(series) - 1)]
    there = (rows < _end(data, part))[..., None]
    asked = data.asked(part)
    truth = np.where(there if asked is None else there & asked, truth, np.nan)
    for start in range(0, len(windows), _WINDOWS):
        found = predictor.predict_batch(windows.gather(slice(start, start + _WINDOWS)))
        for name, kept in parts.items():
            if name in found:
                kept.append(found[name].double().numpy())
        drawn = predictor.processor.uncertainty.distribution(found)
        if drawn is not None:
            there = truth[start : start + _WINDOWS]
            value = probabilistic.crps(quantiles=drawn[0].double().numpy(), truth=there, levels=drawn[1])
            scores.append(value)
            counts.append(int((~np.isnan(there)).sum()))
    whole = {name: np.concatenate(kept) if kept else None for name, kept in parts.items()}
    assert whole["forecast"] is not None
    crps = float(np.average(np.nan_to_num(scores), weights=counts)) if sum(counts) else float("nan")
    return Forecasts(origins, truth, whole["forecast"], whole["lower"], whole["upper"], crps)


def naive_crps(data: TimeSeriesDataModule, found: Forecasts, levels: Sequence[float]) -> float:
    """CRPS of the last value with its own errors on validation rows: what a distribution has to beat."""
    values = fill(data.series.values)
    start, end, steps = data.split.first_validation, data.split.valid, np.arange(data.horizon)
    origins = np.arange(start, end)
    rows = origins[:, None] + steps
    truth = np.where((rows < end)[..., None], data.series.values[rows.clip(max=end - 1)], np.nan)
    errors = truth - values[origins - 1][:, None]
    quantiles = offsets(errors, data.statistics["block"], levels)  # (S, D, Q)
    last = values[found.origins - 1][:, None, :, None]
    parts, counts = [], []
    for at in range(0, len(last), _WINDOWS):
        there = found.truth[at : at + _WINDOWS]
        drawn = np.broadcast_to(last[at : at + _WINDOWS] + quantiles, (*there.shape, len(levels)))
        parts.append(probabilistic.crps(quantiles=drawn, truth=there, levels=levels))
        counts.append(int((~np.isnan(there)).sum()))
    return float(np.average(np.nan_to_num(parts), weights=counts)) if sum(counts) else float("nan")


def _end(data: TimeSeriesDataModule, part: str) -> int:
    return data.split.rows if part == "test" else data.split.valid


def _interval(found: Forecasts, share: float) -> dict[str, float]:
    scores = {}
    if not np.isnan(found.crps):
        # Both are sums of the same pinball losses, one over targets, the other over their sizes.
        scores = {"crps": found.crps, "wql": found.crps / max(np.nanmean(np.abs(found.truth)), 1e-12)}
    if found.lower is not None and found.upper is not None:
        ends = {"lower": found.lower, "upper": found.upper, "truth": found.truth}
        scores |= {"coverage": probabilistic.coverage(**ends)}
        scores |= {"winkler": probabilistic.winkler(**ends, share=share)}
    return scores


def baselines(data: TimeSeriesDataModule, origins: np.ndarray) -> Iterator[tuple[str, np.ndarray, str]]:
    """Yields name and forecasts (W, S, D) of every baseline, or name and the reason why there is none."""
    split, horizon, statistics = data.split, data.horizon, data.processor.statistics
    season = statistics["block"] if statistics["seasonal"] else 0
    values = fill(data.series.values)
    reach = min(data.lookback_rows, split.valid // 2)
    single = values.shape[1] == 1
    if single and len(origins) == 1:
        names = one_origin(values[: split.first_test, 0], horizon, season, cache_dir())
        yield from ((name, forecast[None, :, None], "") for name, forecast in names.forecasts.items())
        yield from ((name, np.empty(0), reason) for name, reason in names.left_out.items())
    for name, forecast in rolling_baselines(values, origins, horizon, season, split.valid, reach):
        if not (single and len(origins) == 1) or name == "linear direct":
            yield name, forecast, ""
    block = statistics["block"]
    if (
        not season and block > 1 and len(origins) > 1 and origins.min() >= block
    ):  # a clock's season, not shown by a test
        yield "seasonal naive", values[origins[:, None] - block + np.arange(horizon) % block], ""
    beside = linear_with_covariates(data, origins)
    if beside is not None:
        yield "linear with covariates", beside, ""
    if single and horizon == 1 and len(origins) > 1 and season > 1:
        for name, forecast in one_step(values[:, 0], split.first_test, season, cache_dir()).items():
            yield name, forecast[origins - split.first_test, None, None], ""


def verdict(metrics: dict[str, float], table: pd.DataFrame, deciding: str, no_skill: bool = False) -> str:
    """One line that says whether the model was worth training."""
    best = str(table.index[0])
    ours, theirs = metrics[f"test/{deciding}"], float(table[deciding].iloc[0])
    ratio = 1 - ours / theirs if theirs > 0 else 0.0
    name = {"rmse": "RMSE", "mse_standardised": "standardised MSE"}[deciding]
    mase = f"MASE {metrics['test/mase']:.2f}"
    if no_skill:
        return f"shows no skill: no difference from the last value that chance does not explain ({mase})"
    if ratio > 0:
        return f"beats {best} by {100 * ratio:.0f} % in {name} ({mase})"
    if ratio > -10:
        return f"does not beat {best}: {name} {100 * -ratio:.0f} % above it ({mase})"
    return f"does not beat {best}: {name} {ours:.3g} against {theirs:.3g} ({mase})"


def _against_naive(found: Forecasts, data: TimeSeriesDataModule) -> dict[str, float]:
    """One step ahead of the first series scored: Diebold-Mariano against the last value, and right directions."""
    last = fill(data.series.values)[found.origins - 1, found.first]
    forecast, truth = found.forecast[:, 0, found.first], found.truth[:, 0, found.first]
    if len(truth) < 20:
        return {}
    statistic, p = probabilistic.diebold_mariano(forecast=forecast, other=last, truth=truth)
    way = probabilistic.direction(forecast=forecast, truth=truth, last=last)
    # MASE is in units of the training rows; for prices that have grown since then this says more.
    relative = float(np.nanmean(np.abs(forecast - truth)) / max(np.nanmean(np.abs(last - truth)), 1e-12))
    return {
        "mae_relative": relative,
        "dm": statistic,
        "dm_p": p,
        **{f"direction_{name}": value for name, value in way.items()},
    }


def _skill(against: dict[str, float]) -> bool:
    """Whether a forecast is better than the last value by more than chance, in squared error and not only there."""
    return bool(against) and against["dm"] < 0 and against["dm_p"] < 0.05


def _notes(
    metrics: dict[str, float], against: dict[str, float], predictor: Predictor, data: TimeSeriesDataModule
) -> list[str]:
    lines = []
    if "test/coverage" in metrics:
        share, many = predictor.processor.uncertainty.share, len(predictor.model.members) > 1
        weighed = ", on the validation rows that also weighed the members" if many else ", on validation rows"
        levels = len(predictor.processor.uncertainty.levels)
        crps, naive, wql = (metrics.get(f"test/{name}", np.nan) for name in ("crps", "crps_naive", "wql"))
        lines.append(
            f"interval: {100 * share:.0f} % asked, {100 * metrics['test/coverage']:.1f} % covered, Winkler score "
            f"{metrics['test/winkler']:.4g}; conformal{weighed}"
        )
        lines.append(
            f"distribution: CRPS {crps:.4g} (last value with its errors {naive:.4g}), wQL {wql:.4g}, from {levels} "
            "quantiles"
        )
    if against:
        lines.append(
            f"against the last value: MAE {against['mae_relative']:.3f} times its, Diebold-Mariano "
            f"{against['dm']:.2f}, "
            f"p {against['dm_p']:.3f}; direction right {100 * against['direction_share']:.1f} % "
            f"[{100 * against['direction_lower']:.1f}, {100 * against['direction_upper']:.1f}], "
            f"up {100 * against['direction_up']:.1f} %"
        )
    return lines
