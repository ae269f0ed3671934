"""Baselines that take seconds, kept in files: the same history is not fitted twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lstm_lab.baselines.forecast import SEASONAL, Baselines, forecast_baselines
from lstm_lab.baselines.rolling import one_step_sarima

# Changes when the code of a baseline does.
_EDITION = 2
# rows × season² above which rolling SARIMA takes too long.
_DEAREST = 100_000


def one_origin(history: np.ndarray, horizon: int, season: int, folder: Path) -> Baselines:
    """As `forecast_baselines`, from the folder of the cache if it is there."""

    def fit() -> dict:
        found = forecast_baselines(history, horizon, season)
        return {
            "forecasts": {name: one.tolist() for name, one in found.forecasts.items()},
            "left_out": found.left_out,
        }

    kept = _kept(folder, ("one origin", horizon, season), history, fit)
    return Baselines({name: np.array(one) for name, one in kept["forecasts"].items()}, kept["left_out"])


def one_step(values: np.ndarray, start: int, season: int, folder: Path) -> dict[str, np.ndarray]:
    """SARIMA with frozen parameters, one step ahead from `start` on; nothing where it would take too long."""
    if start * season**2 > _DEAREST or start < 4 * season:
        return {}

    def fit() -> dict:
        found = {}
        for order, seasonal in SEASONAL:
            for logs in (False, True) if values.min() > 0 else (False,):
                name = f"SARIMA{order}{seasonal}{season}{' of logs' if logs else ''}".replace(", ", ",")
                scaled = np.log(values) if logs else values
                try:
                    forecast = one_step_sarima(scaled, start, order, seasonal, season)
                except (ValueError, ArithmeticError, np.linalg.LinAlgError):
                    continue
                found[name] = (np.exp(forecast) if logs else forecast).tolist()
        return found

    kept = _kept(folder, ("one step", start, season), values, fit)
    return {name: np.array(one) for name, one in kept.items() if np.isfinite(one).all()}


def _kept(folder: Path, words: tuple, values: np.ndarray, fit: Callable[[], dict]) -> dict:
    key = hashlib.sha256(
        repr((_EDITION, *words)).encode() + np.ascontiguousarray(values).tobytes()
    ).hexdigest()[:32]
    path = folder / "baselines" / f"{key}.json"
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        pass
    found = fit()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(found))
        part.replace(path)
    except OSError:
        pass  # a cache that cannot be written costs time, nothing else
    return found
