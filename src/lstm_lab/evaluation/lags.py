"""Scores by lag: how far back the answer may lie, for data that says it of each test sample."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from lstm_lab.evaluation import Tested
from lstm_lab.figures.lags import draw_by_lag


def accuracy_by_lag(lags: np.ndarray, right: np.ndarray) -> pd.DataFrame:
    """Returns a row a lag: ``lag``, ``samples``, ``accuracy %`` and its 95 % interval (Wilson) ``low`` to ``high``.

    Args:
        lags: (N,).
        right: (N,) truth values.
    """
    rows = []
    for lag in np.unique(lags):
        own = right[lags == lag]
        low, high = proportion_confint(int(own.sum()), len(own), method="wilson")
        row = {"lag": int(lag), "samples": len(own), "accuracy %": 100 * float(own.mean())}
        rows.append({**row, "low": 100 * low, "high": 100 * high})
    return pd.DataFrame(rows)


def add_accuracy_by_lag(
    tested: Tested,
    data: Any,
    lags: np.ndarray,
    right: np.ndarray,
    rules: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Adds to what the test gave the accuracy by lag: numbers, a table, a picture and a line.

    Args:
        tested: changed in place.
        data: says ``lag_name``, ``trained_to`` and ``chance``.
        lags: (N,).
        right: (N,) whether each answer was.
        rules: the same of baselines, by the names that they have in the table; the best is drawn beside the model.
    """
    table, chance, rules = accuracy_by_lag(lags, right), data.chance, rules or {}
    tested.metrics |= {f"test/{name}": score for name, score in _columns(table).items()}
    curves, beside = {"this model": table}, ""
    if rules:
        others = {name: accuracy_by_lag(lags, one) for name, one in rules.items()}
        columns = pd.DataFrame({name: _columns(one) for name, one in others.items()}).T
        tested.baselines = tested.baselines.join(columns)
        best = str(tested.baselines.index[0])
        curves[best] = others[best]
        beside = f"; {best} {others[best]['accuracy %'].iloc[-1]:.1f} % there"
    tested.tables = {**tested.tables, "by_lag": table}
    tested.pictures = {"by_lag": partial(_draw, curves, data, chance), **tested.pictures}
    worst = table.iloc[int(table["accuracy %"].argmin())]
    trained = "" if data.trained_to is None else f"trained up to {data.trained_to}, "
    tested.notes.append(
        f"by {data.lag_name}: {table['accuracy %'].iloc[-1]:.1f} % at {table['lag'].iloc[-1]}{beside}; lowest "
        f"{worst['accuracy %']:.1f} % at {int(worst['lag'])}; {trained}chance {chance:.4g} %"
    )


def _columns(table: pd.DataFrame, name: str = "accuracy", score: str = "accuracy %") -> dict[str, float]:
    return {f"{name}_at_{lag}": float(one) for lag, one in zip(table["lag"], table[score], strict=True)}


def _draw(curves: dict[str, pd.DataFrame], data: Any, chance: float, path: Path) -> None:
    draw_by_lag(
        path,
        curves,
        "accuracy %",
        f"{data.title}: accuracy by {data.lag_name}",
        data.lag_name,
        chance=chance,
        trained_to=data.trained_to,
    )


def add_error_by_lag(tested: Tested, data: Any, lags: np.ndarray, errors: dict[str, np.ndarray]) -> None:
    """Adds to what the test gave the mean squared error by lag, where there are several.

    Args:
        tested: changed in place.
        data: says ``lag_name`` and ``trained_to``.
        lags: (N,).
        errors: squared ones (N,), by name; the first are the model's.
    """
    tables = {
        name: pd.Series(one).groupby(lags).mean().rename_axis("lag").rename("MSE").reset_index()
        for name, one in errors.items()
    }
    ours, *_ = tables.values()
    own, *others = (_columns(one, "mse", "MSE") for one in tables.values())
    tested.metrics |= {f"test/{name}": score for name, score in own.items()}
    tested.baselines = tested.baselines.join(pd.DataFrame(others, index=list(tables)[1:]))
    table = pd.concat([one.assign(model=name) for name, one in tables.items()], ignore_index=True)
    tested.tables = {**tested.tables, "by_lag": table}
    if len(ours) > 1:
        tested.pictures = {"by_lag": partial(_draw_errors, tables, data), **tested.pictures}


def _draw_errors(tables: dict[str, pd.DataFrame], data: Any, path: Path) -> None:
    title = f"{data.title}: mean squared error by {data.lag_name}"
    draw_by_lag(path, tables, "MSE", title, data.lag_name, trained_to=data.trained_to)
