"""The leak test: the future is overwritten, and not a bit of what comes before it may change."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from lstm_lab.data import SequenceDataModule, TimeSeriesDataModule
from lstm_lab.data.timeseries.source import Series
from lstm_lab.errors import UserError
from lstm_lab.models import SequenceModel
from lstm_lab.planning import build_model
from lstm_lab.predictor import Predictor
from lstm_lab.tasks import Task
from lstm_lab.training.trainer import build_trainer
from lstm_lab.wiring import build

# What rows after the cut are overwritten with.
POISONS = (1e6, math.nan)
_STEPS = 20


@dataclass
class Found:
    """What a leak test found.

    Attributes:
        checked: a line for each comparison that came out the same.
        leaks: a line for each that did not.
    """

    checked: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For a person: what leaks, or that nothing does."""
        verdict = "LEAK" if self.leaks else "no leak: identical to the last bit"
        return [
            *(f"the same: {line}" for line in self.checked),
            *(f"LEAK: {line}" for line in self.leaks),
            verdict,
        ]


def run(settings: dict[str, Any]) -> Found:
    """Trains on the true and on overwritten series and compares.

    Two cuts: before the validation rows, as training sees the data, and before the test rows, as a refit does.

    Args:
        settings: ``data``, ``task``, ``model``, ``frontend``, ``optim``, ``fit``, ``seed`` and ``ensemble`` of a
            composed config.

    Raises:
        UserError: if the data are no time series.
    """
    found = Found()
    for refit in (False, True):
        clean = _trained(settings, refit, None)
        for poison in POISONS:
            other = _trained(settings, refit, poison)
            label = f"{'refit' if refit else 'fit'}, rows from {clean.cut} on are {poison:g}"
            for name, ours, theirs in _compared(clean, other):
                (found.checked if same(ours, theirs) else found.leaks).append(f"{name} ({label})")
    return found


@dataclass
class _Trained:
    data: TimeSeriesDataModule
    model: SequenceModel
    cut: int


def _trained(settings: dict[str, Any], refit: bool, poison: float | None) -> _Trained:
    node = {**settings["data"]}
    data = build(node, SequenceDataModule, **({} if "seed" in node else {"seed": settings["seed"]}))
    if not isinstance(data, TimeSeriesDataModule):
        raise UserError(f"leaktest is for series of numbers, which data={node.get('name')} is not.")
    data.setup()
    cut = data.split.first_test if refit else data.split.first_validation
    if poison is not None:
        series, data = data.series, build(node, TimeSeriesDataModule, seed=settings["seed"])
        # Rows of a gap are nobody's targets, and may be read: only what lies behind the cut is poison.
        data.read = lambda: overwritten(series, cut, data.horizon, poison)  # type: ignore[method-assign]
        data.rows, data.skip = None, 0
        data.setup()
    words = {
        key: value for key, value in settings["task"].items() if key not in ("target", "metric", "direction")
    }
    task = build(words, Task)
    data.suit(task.to_plain())
    if refit:
        data.fit_again()
    steps = settings["fit"]["max_steps"]
    steps = min(_STEPS, steps) if isinstance(steps, int) else _STEPS
    data.steps, data.chunk = steps, 1
    torch.manual_seed(settings["seed"])
    model = build_model(settings, data, task, 1, [], steps)
    build_trainer(steps).fit(model, train_dataloaders=data.train_dataloader())
    return _Trained(data, model, cut)


def overwritten(series: Series, cut: int, horizon: int, poison: float) -> Series:
    """The series with every row from `cut` on replaced; what is known ahead, from the end of the horizon on."""
    values = np.where(np.arange(len(series))[:, None] < cut, series.values, poison)
    covariates, ahead = series.covariates.copy(), series.columns(series.future)
    for name in covariates:
        border = cut + horizon if name in ahead else cut
        column = covariates[name]
        words = not pd.api.types.is_numeric_dtype(column)
        covariates[name] = column.where(np.arange(len(column)) < border, "poison" if words else poison)
    return replace(series, values=values, covariates=covariates)


def _compared(clean: _Trained, other: _Trained) -> list[tuple[str, Any, Any]]:
    """Pairs that have to be the same."""
    pairs: list[tuple[str, Any, Any]] = []

    def add(name: str, pick: Any) -> None:
        pairs.append((name, pick(clean), pick(other)))

    add("what was measured", lambda one: one.data.statistics)
    add("coding of covariates", lambda one: one.data.processor.coding)
    add("training batches", lambda one: dict(one.data.samples("train").gather(slice(None)).tensors()))
    add("weights", lambda one: dict(one.model.state_dict()))
    first = "validation" if clean.cut == clean.data.split.first_validation else "test"
    for part, rows in (("train", slice(None)), (first, slice(0, 1))):

        def forecast(one: _Trained, part: str = part, rows: slice = rows) -> dict[str, torch.Tensor]:
            batch = one.data.windows(part).gather(rows)
            return Predictor(one.model, one.data.processor).predict_batch(batch)

        add(f"forecasts of the {part} part{'' if part == 'train' else ', first origin'}", forecast)
    return pairs


def same(ours: Any, theirs: Any) -> bool:
    """Whether two things are equal to the last bit, through dicts, lists and tensors."""
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, (list, tuple)):
        return len(ours) == len(theirs) and all(same(one, two) for one, two in zip(ours, theirs, strict=True))
    if isinstance(ours, torch.Tensor):
        return torch.equal(torch.nan_to_num(ours), torch.nan_to_num(theirs)) and bool(
            torch.equal(torch.isnan(ours), torch.isnan(theirs))
        )
    return bool(ours == theirs)
