"""The LightningDataModule of time series: a csv, a named series or a formula, split by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from lstm_lab.batch import Batch
from lstm_lab.data.base import SequenceDataModule
from lstm_lab.data.timeseries.processor import SeriesProcessor
from lstm_lab.data.timeseries.source import Series, read_csv, share_of, shipped, sine
from lstm_lab.data.timeseries.statistics import fit_statistics
from lstm_lab.data.timeseries.windows import Windows
from lstm_lab.errors import UserError, check_at_least
from lstm_lab.spec import Spec, Target, Values

# The input column that says where in its season a row stands.
PHASE = "phase"


@dataclass(frozen=True)
class Split:
    """Rows of each part: training [0, train), validation [train, valid), test [valid, rows)."""

    train: int
    valid: int
    rows: int


class TimeSeriesDataModule(SequenceDataModule):
    """Windows over one regular series; inputs may reach back over a border, targets never do.

    Args:
        name: ``airline`` (ships with the package), ``sine`` (made by a formula) or ``csv``.
        path: the file, for ``csv``.
        target: column to forecast, the last numeric one if None.
        time: column of the clock, found by itself if None.
        horizon: steps ahead, S.
        lookback: rows that a forecast reads, L; ``auto`` takes two seasons, at least 12 rows.
        test: the last rows, a count or a share; ``auto`` takes one horizon. They are scored once.
        validation: the rows before them, a count or a share of what is left; ``auto`` takes one horizon or three
            seasons, whichever is more, at most a third.
        season: steps in a season; ``auto`` takes the clock's; 0 for none. Whether the rows show it is tested.
        rollout: steps that a training window asks for; ``auto`` is one season.
        batch_size: windows in a global batch.
        unit: of the values, for tables and axes.
        points: length of the series, for ``sine``.
        seed: decides the order of the training windows.

    Raises:
        UserError: if the file cannot be read or the windows do not fit into the rows.
    """

    refits = True

    def __init__(
        self,
        name: str = "csv",
        path: str | Path | None = None,
        target: str | Sequence[str] | None = None,
        time: str | None = None,
        horizon: int = 12,
        lookback: int | str = "auto",
        test: int | float | str = "auto",
        validation: int | float | str = "auto",
        season: int | str = "auto",
        rollout: int | str = "auto",
        batch_size: int = 64,
        unit: str = "",
        points: int = 200,
        seed: int = 0,
    ) -> None:
        super().__init__(name, batch_size, seed)
        self.path, self.target, self.time = path, target, time
        self.horizon, self.lookback, self.test, self.validation = horizon, lookback, test, validation
        self.season, self.rollout = season, rollout
        self.unit, self.points = unit, points
        self._series: Series | None = None
        self._refit = False
        check_at_least("data.horizon", horizon, 1)

    # -- what the rest of the house asks --------------------------------------------------------------------

    def setup(self, stage: str | None = None) -> None:
        """Reads the series once, splits it and fits the processor on the training rows."""
        if self._series is None:
            self._series = self.read()
            self._split()
            self._fit()

    @property
    def series(self) -> Series:
        """The whole series, all parts."""
        self.setup()
        assert self._series is not None
        return self._series

    @property
    def spec(self) -> Spec:
        """What a net is built from."""
        names = self.series.names
        return Spec(
            inputs=Values((*names, PHASE)),
            target=Target("horizon", len(names), self.horizon, names),
            unit=self.unit or self.series.unit,
            season=self.season_length if self.statistics["seasonal"] else 0,
            length=self.lookback_rows,
        )

    @property
    def fitted_rows(self) -> int:
        """Rows that training may see: without the validation rows, or with them in a refit."""
        return self.split.valid if self._refit else self.split.train

    def fit_again(self) -> None:
        """From now on validation rows belong to the training part; the width of the interval stays."""
        self.setup()
        self._refit = True
        widths = self._processor.widths
        self._fit()
        self._processor.widths = widths

    def describe(self) -> str:
        """One line: rows, period, parts."""
        index, split = self.series.index, self.split
        span = f"{_shown(index[0])} to {_shown(index[-1])}"
        parts = (
            f"{split.train} train, {split.valid - split.train} validation, {split.rows - split.valid} test"
        )
        return f"{self.series.name}: {split.rows} rows, {span} ({parts})"

    @property
    def protocol(self) -> str:
        """How the test is scored, to stand beside every number."""
        origins = self.split.rows - self.split.valid - self.horizon + 1
        chosen = f"chosen on rows up to {_shown(self.series.index[self.split.valid - 1])}"
        if origins == 1:
            return f"{self.horizon} steps from one origin, scored once; {chosen}"
        return f"{self.horizon} step(s) ahead from {origins} origins, stride 1, scored once; {chosen}"

    @property
    def processor(self) -> SeriesProcessor:
        """Fitted on the rows that training may see."""
        self.setup()
        return self._processor

    @property
    def statistics(self) -> dict[str, Any]:
        """What was measured on the rows that training may see."""
        return self.processor.statistics

    @property
    def size(self) -> int:
        """Rows that training may see."""
        return self.fitted_rows

    @property
    def title(self) -> str:
        """The series' own name."""
        return self.series.name

    @property
    def digest(self) -> str:
        """Of the values and their clock."""
        return self.series.digest

    @property
    def source(self) -> str:
        """The file, or ``package``."""
        return str(self.path or "package")

    # -- windows --------------------------------------------------------------------------------------------

    def samples(self, part: str) -> Windows:
        """The windows of a part, as `windows`."""
        return self.windows(part)

    def calibration(self) -> Windows:
        """Validation rows from every origin."""
        return self.windows("calibration")

    def calibrate(self, found: Sequence[tuple[dict[str, torch.Tensor], Batch]], task: dict[str, Any]) -> None:
        """Sets the width of the interval by the errors of validation forecasts."""
        errors = [forecasts["forecast"].cpu() - batch.targets["horizon"].cpu() for forecasts, batch in found]
        known = [batch.targets["horizon_mask"].cpu() for _, batch in found]
        self.processor.calibrate(torch.cat(errors), torch.cat(known), task["interval"])

    def windows(self, part: str) -> Windows:
        """The windows of a part.

        Args:
            part: ``train``, ``validation``, ``test``, or ``calibration``: validation rows from every origin.
        """
        self.setup()
        split, lookback, horizon = self.split, self.lookback_rows, self.horizon
        first, end, steps = {
            "train": (lookback, self.fitted_rows, self.rollout_steps),
            "validation": (split.train, split.valid, horizon),
            "calibration": (split.train, split.valid, horizon),
            "test": (split.valid, split.rows, horizon),
        }[part]
        # Training and test windows are whole. A validation part shorter than the horizon has one window with
        # what is missing masked; for calibration every origin counts for the targets that it has.
        last = end - 1 if part == "calibration" else max(first, end - steps)
        targets = list(range(len(self.series.names)))
        return Windows(self._tensor[:end], targets, first, last, lookback, steps)

    # -- reading --------------------------------------------------------------------------------------------

    def read(self) -> Series:
        """Reads the whole series; a subclass with a source of its own replaces this and nothing else."""
        if self.name == "sine":
            series = sine(self.points)
        elif self.name == "csv":
            if self.path is None:
                raise UserError("data=csv needs a file: data.path=my.csv")
            series = read_csv(self.path, self.target, self.time)
        else:
            series = shipped(self.name or "", self.unit)
        return series

    def _split(self) -> None:
        series = self.series
        rows = len(series)
        test = self.horizon if self.test == "auto" else share_of(self.test, rows, "data.test")  # type: ignore[arg-type]
        if test < self.horizon:
            raise UserError(
                f"data.test={self.test} holds {test} rows, less than one horizon of {self.horizon}."
            )
        left = rows - test
        if isinstance(self.validation, str):
            # Members are judged by several origins, so three seasons where the rows allow it.
            validation = max(1, min(max(self.horizon, 3 * max(series.season, 4)), left // 3))
        else:
            validation = share_of(self.validation, left, "data.validation")
            check_at_least("data.validation", validation, 1)
        self.split = Split(left - validation, left, rows)
        self._choose_lengths()

    def _choose_lengths(self) -> None:
        train, series = self.split.train, self.series
        if train < 4:
            raise UserError(
                f"{series.name} has {len(series)} rows: too few for data.horizon={self.horizon} with "
                f"{self.split.rows - self.split.valid} test and {self.split.valid - train} validation rows."
            )
        if isinstance(self.season, str):
            self.season_length = series.season
        else:
            self.season_length = share_of(self.season, train, "data.season")
            if self.season_length >= train // 2:
                raise UserError(f"data.season={self.season} needs more than {2 * self.season} training rows.")
        block = self.season_length if 1 < self.season_length < train // 2 else 1
        if isinstance(self.lookback, str):
            # The core reads a season, at least 12 rows, of differences that reach back over one more.
            usual = max(block, 12) + (block if block > 1 else 0)
            self.lookback_rows = max(block + 1, min(usual, (train + block) // 2))
        else:
            self.lookback_rows = share_of(self.lookback, train, "data.lookback")
        if self.lookback_rows >= train:
            raise UserError(
                f"data.lookback={self.lookback_rows} does not fit into the {train} training rows of "
                f"{series.name}."
            )
        if self.lookback_rows <= block > 1:
            raise UserError(f"data.lookback={self.lookback} must be more than one season ({block} rows).")
        if isinstance(self.rollout, str):
            self.rollout_steps = block
        else:
            self.rollout_steps = share_of(self.rollout, train, "data.rollout")
            check_at_least("data.rollout", self.rollout_steps, 1)

    def _fit(self) -> None:
        series, lookback = self.series, self.lookback_rows
        index = series.index[-lookback:]
        stamped = isinstance(index, pd.DatetimeIndex)
        freq = series.index.freqstr if isinstance(series.index, pd.DatetimeIndex) else None
        names = list(series.names)
        statistics = fit_statistics(np.asarray(series.values[: self.fitted_rows]), self.season_length)
        phases = np.arange(len(series)) % statistics["block"]
        self._tensor = torch.as_tensor(np.c_[series.values, phases], dtype=torch.float32)
        self._processor = SeriesProcessor(
            names=names,
            targets=names,
            lookback=lookback,
            horizon=self.horizon,
            statistics=statistics,
            tail=series.values[-lookback:].T.tolist(),
            clock=[stamp.isoformat() for stamp in index] if stamped else [int(row) for row in index],
            freq=freq or "",
            phase=int(phases[-lookback]),
            unit=self.unit or series.unit,
        )


def _shown(stamp: object) -> str:
    return stamp.strftime("%Y-%m-%d") if isinstance(stamp, pd.Timestamp) else f"row {stamp}"
