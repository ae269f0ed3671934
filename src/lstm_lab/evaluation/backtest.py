"""Backtests: forecasts from many origins, by one model or by models that are trained anew on the way."""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from lstm_lab import predictor as predictors
from lstm_lab.data import SequenceDataModule, TimeSeriesDataModule
from lstm_lab.errors import UserError
from lstm_lab.evaluation import Tested
from lstm_lab.evaluation.forecast import forecast_part, judge_forecasts
from lstm_lab.evaluation.forecast_views import Forecasts
from lstm_lab.paths import find_run, outputs_dir
from lstm_lab.predictor import Predictor
from lstm_lab.training.checkpoint import read_checkpoint
from lstm_lab.wiring import build, locate


@dataclass
class Backtest:
    """What a backtest gave.

    Attributes:
        tested: numbers, baselines, verdict and pictures.
        protocol: how the numbers came about.
        data: what was forecast.
        name: of the model.
        seconds: that forecasting took, without training.
    """

    tested: Tested
    protocol: str
    data: TimeSeriesDataModule
    name: str
    seconds: float


def series(node: dict[str, Any], door: str) -> TimeSeriesDataModule:
    """Builds data whose rows follow each other in time.

    Raises:
        UserError: for any other data, naming the door that asks for a series.
    """
    if not issubclass(locate(node["_target_"], SequenceDataModule), TimeSeriesDataModule):
        raise UserError(f"{door} is for series of numbers, which data={node.get('name')} is not.")
    return build(node, TimeSeriesDataModule)


def of_run(name: str, stride: int = 1) -> Backtest:
    """Forecasts from every origin of a run's test part, in one batched pass."""
    path = find_run(name) / "checkpoints" / "best.ckpt"
    data = series(dict(read_checkpoint(path)["data"]), "backtest")
    data.setup("test")
    loaded = predictors.load(path)
    started = time.perf_counter()
    found = every(forecast_part(loaded, data, "test"), stride)
    return _judged(found, loaded, data, _protocol(data, len(found.origins), stride, None), started)


def run(
    config: Any,
    overrides: Sequence[str],
    refit: int | None,
    stride: int,
    sliding: bool,
    warm: bool = False,
) -> Backtest:
    """Trains before the first origin, and again after every `refit` origins.

    Each training is a whole run of its own: validation rows before its first origin decide, transforms are fitted to
    its rows, and nothing behind its first origin is in memory.

    Args:
        config: the composed config; its test part holds the origins.
        overrides: the words of the command line.
        refit: origins after which a model is trained anew; None trains once.
        stride: rows between two origins.
        sliding: train on as many rows as the first time, not on all so far.
        warm: begin each training with the weights of the one before: with those from before its refit until
            validation is over, so that no validation row has been trained on.
    """
    from lstm_lab.doors import node_of

    data = series(node_of(config, "data"), "backtest")
    data.setup()
    whole = data.windows("test").origins.numpy()[::stride]
    groups = [whole] if refit is None else [whole[at : at + refit] for at in range(0, len(whole), refit)]
    parts, loaded, before, seconds = [], None, None, 0.0
    for group in track(groups, "backtest", disable=len(groups) == 1, transient=True):
        rows = int(group[-1]) + data.horizon
        skip = int(group[0] - whole[0]) if sliding else 0
        fold = [*overrides, "tracking=off", f"data.test={rows - int(group[0])}", f"data.rows={rows}"]
        fold += [f"data.skip={skip}"] if skip else []
        fold += [] if refit is None else [f"data.validation={data.split.valid - data.split.first_validation}"]
        if warm:  # the first fold's size; more rows would ask for more
            fold += [f"data.lookback={data.lookback_rows}", *([f"start={before}"] if before else [])]
        loaded, own, before = _trained(fold)
        started = time.perf_counter()
        found = every(forecast_part(loaded, own, "test"), stride)
        seconds += time.perf_counter() - started
        parts.append(replace(found, origins=found.origins + skip))
    assert loaded is not None
    joined = _joined(parts)
    started = time.perf_counter() - seconds
    anew = "trained on from the last weights" if warm else "trained anew"
    window = "sliding" if sliding else "expanding"
    way = None if refit is None else f"{anew} every {refit} origins, {window}"
    return _judged(joined, loaded, data, _protocol(data, len(whole), stride, way), started)


def every(found: Forecasts, stride: int) -> Forecasts:
    """Every `stride`-th origin of forecasts."""

    def thinned(one: np.ndarray | None) -> Any:
        return one if one is None else one[::stride]

    origins, truth, forecast = (thinned(one) for one in (found.origins, found.truth, found.forecast))
    return Forecasts(origins, truth, forecast, thinned(found.lower), thinned(found.upper), found.crps)


def _trained(words: list[str]) -> tuple[Predictor, TimeSeriesDataModule, Path]:
    """One fold: a whole run, its table not printed; with its directory."""
    from lstm_lab.doors import compose_config
    from lstm_lab.experiment import run as train

    with contextlib.redirect_stdout(io.StringIO()):
        result = train(compose_config(words), words)
    assert result.directory is not None
    path = result.directory / "checkpoints" / "best.ckpt"
    data = build(dict(read_checkpoint(path)["data"]), TimeSeriesDataModule)
    data.setup("test")
    return predictors.load(path), data, result.directory


def _joined(parts: list[Forecasts]) -> Forecasts:
    def whole(name: str) -> Any:
        arrays = [getattr(one, name) for one in parts]
        return None if any(one is None for one in arrays) else np.concatenate(arrays)

    weights = [len(one.origins) for one in parts]
    crps = float(np.average([one.crps for one in parts], weights=weights))
    names = ("origins", "truth", "forecast", "lower", "upper")
    return Forecasts(**{name: whole(name) for name in names}, crps=crps)


def _protocol(data: TimeSeriesDataModule, origins: int, stride: int, way: str | None) -> str:
    trained = way or "trained once before the first"
    turn = f"; {data.turn}" if data.turn else ""
    return f"backtest: {data.horizon} step(s) ahead from {origins} origins, stride {stride}, {trained}{turn}"


def _judged(
    found: Forecasts, loaded: Predictor, data: TimeSeriesDataModule, protocol: str, started: float
) -> Backtest:
    seconds = time.perf_counter() - started
    name = loaded.model.hparams["cell"].upper()
    return Backtest(judge_forecasts(found, loaded, data), protocol, data, name, seconds)


def show(found: Backtest, out: str | None) -> None:
    """Prints the table and writes numbers, forecasts and pictures.

    Raises:
        UserError: if the folder cannot be written.
    """
    from lstm_lab.report import show as show_table

    named = time.strftime("%Y%m%d-%H%M%S") + f"-{found.name.lower()}-{found.data.title}"
    folder = Path(out).expanduser() if out else outputs_dir() / "backtests" / named
    try:
        folder.mkdir(parents=True, exist_ok=True)
        facts = {**found.tested.to_plain(), "protocol": found.protocol, "seconds": round(found.seconds, 3)}
        (folder / "backtest.json").write_text(json.dumps(facts, indent=2, default=float))
        found.tested.predictions.to_csv(folder / "backtest.csv", index=False)
        for name, table in found.tested.tables.items():
            table.to_csv(folder / f"{name}.csv", index=False)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}.") from None
    for name, draw in found.tested.pictures.items():
        draw(folder / f"{name}.png")
    show_table(found.tested, found.name, found.data, [f"protocol: {found.protocol}", f"written:  {folder}"])
