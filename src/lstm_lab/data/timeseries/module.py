"""The LightningDataModule of time series: a csv, a named series or a formula, split by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lstm_lab.batch import Batch
from lstm_lab.data import files
from lstm_lab.data.base import SequenceDataModule
from lstm_lab.data.folding import Folds
from lstm_lab.data.timeseries.covariates import Encoder, choose_calendar, read_holidays
from lstm_lab.data.timeseries.epidemic import incidence
from lstm_lab.data.timeseries.inspection import refuse, report, shown
from lstm_lab.data.timeseries.layout import Rows, coded_static, lay_out
from lstm_lab.data.timeseries.lengths import Lengths, choose_lengths
from lstm_lab.data.timeseries.own import Own
from lstm_lab.data.timeseries.processor import SeriesProcessor
from lstm_lab.data.timeseries.registry import NAMED
from lstm_lab.data.timeseries.returns import Returns
from lstm_lab.data.timeseries.source import Series, read_csv, share_of, shipped, sine
from lstm_lab.data.timeseries.split import rolled, split_rows
from lstm_lab.data.timeseries.statistics import fit_statistics
from lstm_lab.data.timeseries.uncertainty import Uncertainty
from lstm_lab.data.timeseries.unseen import Unseen, count_turns, left_out
from lstm_lab.data.timeseries.windows import Windows
from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.spec import Spec, Target, Values

# The input column that says where in its season a row stands.
PHASE = "phase"
# Training rows above which forecasts are written at once, and steps from which on they are written in segments.
_SHORT, _SEVERAL = 1000, 8


class TimeSeriesDataModule(SequenceDataModule):
    """Windows over one or many regular series; inputs may reach back over a border, targets never do.

    Args:
        name: one of `lstm_lab.data.timeseries.registry.NAMED`, or ``csv``.
        path: the file, for ``csv``; of a named series, a file of one's own to be read in the same way.
        dir: folder in which named files are looked for first.
        target: column or columns to forecast, ``all``, or None for the likeliest one.
        time: column or columns of the clock, ``none``, or None to find it.
        id: column that names the series of a long file, or None to find it.
        past: columns known up to the present.
        future: columns known ahead.
        static: columns of a long file that never change within a series.
        returns: columns read as log changes, each with the column by whose value of the row before it is measured.
        calendar: cycles of the calendar to read: hour, weekday, monthday, month, yearday; ``auto`` or ``none``.
        holidays: days, or a file with one a line.
        lags: further rows back whose values are read.
        rows: the first rows alone, None for all.
        skip: of these, rows at the beginning that are left out.
        horizon: steps ahead, S.
        lookback: rows that a forecast reads, L; ``auto`` takes two seasons, at least 12 rows.
        test: the last rows, a count, a share or a date; ``auto`` takes one horizon. They are scored once.
        validation: the rows before them, likewise; ``auto`` takes one horizon or three seasons, whichever is more,
            at most a third.
        gap: rows between two parts that are nobody's targets.
        folds: null has one test; a number has so many, one behind the other at the end, each with what comes before it.
        fold: which of them is the test part, from 0; or ``k/n``, the k-th of n.
        group: leaves whole series out of training instead, whose own end is the test: ``series``, or what else
            `lstm_lab.data.timeseries.unseen.groups_of_series` takes.
        season: steps in a season; ``auto`` takes the clock's; 0 for none. Whether the rows show it is tested.
        rollout: steps that a training window asks for; ``auto`` is one season for a recursive head, else the horizon.
        scored: ``units``, or ``standardised`` by the training rows, as benchmark tables are.
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
        dir: str | Path | None = None,
        target: str | Sequence[str] | None = None,
        time: str | Sequence[str] | None = None,
        id: str | None = None,
        past: Sequence[str] | str | None = None,
        future: Sequence[str] | str | None = None,
        static: Sequence[str] | str | None = None,
        returns: Mapping[str, str] | None = None,
        calendar: str | Sequence[str] = "none",
        holidays: str | Sequence[str] | None = None,
        lags: Sequence[int] | None = None,
        rows: int | None = None,
        skip: int = 0,
        horizon: int = 12,
        lookback: int | str = "auto",
        test: int | float | str = "auto",
        validation: int | float | str = "auto",
        gap: int = 0,
        folds: int | str | None = None,
        fold: int | str | None = None,
        group: str | None = None,
        season: int | str = "auto",
        rollout: int | str = "auto",
        scored: str = "units",
        batch_size: int = 64,
        unit: str = "",
        points: int = 200,
        seed: int = 0,
    ) -> None:
        super().__init__(name, batch_size, seed)
        self.path, self.dir, self.target, self.time, self.id = path, dir, target, time, id
        self.past, self.future, self.static = (_listed(one) for one in (past, future, static))
        self.returns = Returns(returns or {})
        if returns and not isinstance(target, str):
            raise UserError("data.returns reads one series: name its column with data.target=…")
        self.calendar, self.holidays, self.lags = calendar, holidays, list(lags or [])
        self.rows, self.skip, self.horizon, self.lookback = rows, skip, horizon, lookback
        self.test, self.validation, self.gap = test, validation, gap
        self.season, self.rollout, self.scored = season, rollout, scored
        self.unit, self.points = unit, points
        self.folds, self.group = Folds.read(folds, fold), group
        self._unseen: Unseen | None = None
        self._series: Series | None = None
        self.lengths: Lengths
        self._rows: Rows
        self._processor: SeriesProcessor
        self._refit, self._whole = False, False
        check_at_least("data.horizon", horizon, 1)
        check_at_least("data.skip", skip, 0)
        check_choice("data.scored", scored, ("units", "standardised"))
        for lag in self.lags:
            check_at_least("data.lags", lag, 1)

    # -- what the rest of the house asks --------------------------------------------------------------------

    def setup(self, stage: str | None = None) -> None:
        """Reads the series once, splits it and fits the processor on the training rows."""
        if self._series is None:
            series = self.read()
            stop = len(series) if self.rows is None else share_of(self.rows, len(series), "data.rows")
            whole = self.skip == 0 and stop >= len(series)
            self._series = series if whole else series.part(self.skip, stop)
            test = self.test
            if self.folds is not None and self.group is None:
                end, test = rolled(self._series, self.horizon, test, self.folds)
                self._series = self._series if end == len(self._series) else self._series.part(0, end)
            self.split = split_rows(self._series, self.horizon, test, self.validation, self.gap)
            if self.group is not None:
                self._unseen = left_out(self._series, self.group, self.folds, self.split.first_test)
            if stage == "fit":
                refuse(self._series, self.split.train, str(self.path or self._series.name))
            self.lengths = choose_lengths(self._series, self.split.train, self.season, self.lookback)
            if not isinstance(self.rollout, str):
                check_at_least("data.rollout", self.rollout_steps, 1)
            self._fit()

    @property
    def fold_count(self) -> int:
        """How many tests follow one another in time, or how many groups of series are left out; 1 without folds."""
        if self.folds is None or self.group is None:
            return 1 if self.folds is None else self.folds.count or 1
        return count_turns(self.series, self.group, self.folds, self.split.first_test)

    def suit(self, task: dict[str, Any]) -> None:
        """Training windows hold the whole horizon where the head writes it at once, else one season."""
        head = task.get("head", "auto")
        self._whole = (self.statistics["head"] if head == "auto" else head) != "recursive"

    @property
    def series(self) -> Series:
        """The whole series, all parts."""
        self.setup()
        assert self._series is not None
        return self._series

    @property
    def spec(self) -> Spec:
        """What a net is built from."""
        names, statistics = self.series.names, self.statistics
        read, ahead = self.processor.encoder.names(names)
        return Spec(
            inputs=Values((*names, *read, PHASE)),
            target=Target("horizon", len(names), self.horizon, names),
            future=tuple(ahead),
            unit=self.unit or self.series.unit,
            season=self.lengths.season if statistics["seasonal"] else 0,
            length=self.lengths.lookback,
        )

    @property
    def fitted_rows(self) -> int:
        """Rows that training may see: without the validation rows, or with them in a refit."""
        return self.split.valid if self._refit else self.split.train

    def fit_again(self) -> None:
        """From now on validation rows belong to the training part; the width of the interval stays."""
        self.setup()
        self._refit, before = True, self.processor
        self._fit()
        self._processor = replace(self._processor, uncertainty=before.uncertainty)

    def follow(self, processor: SeriesProcessor) -> None:
        """From now on what stands beside the series is coded as a trained model's processor codes it.

        After a refit it was measured on validation rows too, of which a part that is built anew knows nothing.
        """
        self.setup()
        if processor.coding != self.processor.coding:
            self._rows = lay_out(self.series, processor.encoder, processor.statistics, self.horizon)

    def describe(self) -> str:
        """Rows, period, parts; and what was found while reading."""
        index, split = self.series.index, self.split
        many = f" × {len(self.series.names)} series" if len(self.series.names) > 1 else ""
        parts = (
            f"{split.train} train, {split.valid - split.first_validation} validation, "
            f"{split.rows - split.first_test} test"
        )
        lines = [
            f"{self.series.name}: {split.rows} rows{many}, {shown(index[0])} to {shown(index[-1])} ({parts})"
        ]
        if self._unseen is not None:
            lines.append(f"  {self._unseen.described}")
        return "\n".join([*lines, *(f"  {note}" for note in self.series.notes)])

    def report(self) -> str:
        """One screen: what was read, how it is cut, what looks wrong."""
        return report(self.series, self.split, self.lengths.season, self.horizon, self.lengths.lookback)

    @property
    def protocol(self) -> str:
        """How the test is scored, to stand beside every number."""
        origins = len(self.windows("test"))
        chosen = f"chosen on rows up to {shown(self.series.index[self.split.valid - 1])}"
        chosen = f"{chosen}; {self.turn}" if self.turn else chosen
        scale = ", standardised by training rows" if self.scored == "standardised" else ""
        if origins == 1:
            return f"{self.horizon} steps from one origin{scale}, scored once; {chosen}"
        return f"{self.horizon} step(s) ahead from {origins} origins, stride 1{scale}, scored once; {chosen}"

    @property
    def turn(self) -> str:
        """Which fold is the test and how folds take turns, for protocols; empty without folds."""
        self.setup()
        if self.folds is None:
            return ""
        return f"{self.folds.said} {'by time' if self._unseen is None else self._unseen.protocol}"

    @property
    def statistics(self) -> dict[str, Any]:
        """What was measured on the rows that training may see."""
        return self.processor.statistics

    @property
    def size(self) -> int:
        """Rows that training may see."""
        return self.fitted_rows

    @property
    def lookback_rows(self) -> int:
        """Rows that a forecast reads."""
        self.setup()
        return self.lengths.lookback

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
        """Sets the interval by the errors of validation forecasts, of each series by its own."""
        if self._unseen is not None:
            every = self.windows("calibration", every=True)
            found = [(told, every.gather(batch.keys.cpu() - every.first)) for told, batch in found]
        block, share, levels = self.statistics["block"], task["interval"], task.get("levels")
        self.processor.uncertainty = Uncertainty.calibrated(found, block, share, levels)

    def names_of_steps(self, batch: Batch) -> list[str]:
        """The dates of a window's rows, or their numbers."""
        origin = int(batch.keys[0])
        return [shown(row) for row in self.series.index[origin - batch.inputs.shape[1] : origin]]

    def columns_by_input(self) -> dict[str, tuple[list[int], list[int]]]:
        """Categories and cycles are one input each; the place in the season is none."""
        spec, origins = self.spec, self.processor.encoder.origins()
        assert isinstance(spec.inputs, Values)
        found: dict[str, tuple[list[int], list[int]]] = {}
        for side, names in enumerate((spec.inputs.names[:-1], spec.future)):
            for place, name in enumerate(names):
                found.setdefault(origins.get(name, name), ([], []))[side].append(place)
        return found

    def asked(self, part: str) -> np.ndarray | None:
        """(C,) True for the series whose values are the targets of a part; None for all."""
        self.setup()
        if self._unseen is None:
            return None
        return self._unseen.which if part == "test" else self._unseen.seen

    def windows(self, part: str, every: bool = False) -> Windows:
        """The windows of a part.

        Args:
            part: ``train``, ``validation``, ``test``, or ``calibration``: validation rows from every origin.
            every: whether all series are targets, also those that this part does not ask for.
        """
        self.setup()
        split, lookback, horizon = self.split, self.lengths.lookback, self.horizon
        first, end, steps = {
            "train": (lookback, self.fitted_rows, self.rollout_steps),
            "validation": (split.first_validation, split.valid, horizon),
            "calibration": (split.first_validation, split.valid, horizon),
            "test": (split.first_test, split.rows, horizon),
        }[part]
        # Training and test windows are whole. A validation part shorter than the horizon has one window with
        # what is missing masked; for calibration every origin counts for the targets that it has.
        last = end - 1 if part == "calibration" else max(first, end - steps)
        asked = None if every else self.asked(part)
        told = None if asked is None else torch.from_numpy(asked)
        return self._rows.windows(len(self.series.names), end, first, last, lookback, steps, told)

    @property
    def rollout_steps(self) -> int:
        """Steps that a training window asks for."""
        if not isinstance(self.rollout, str):
            return share_of(self.rollout, self.split.train, "data.rollout")
        return self.horizon if self._whole else self.lengths.block

    # -- reading --------------------------------------------------------------------------------------------

    def read(self) -> Series:
        """Reads the whole series; a subclass with a source of its own replaces this and nothing else."""
        if self.name == "sine":
            return sine(self.points)
        if self.path is not None:
            return self._read_csv(self.path)
        if self.name == "csv":
            raise UserError("data=csv needs a file: data.path=my.csv")
        if self.name == "incidence":
            return incidence()
        known = NAMED.get(self.name)
        if known is None or not known.file:
            return shipped(self.name, self.unit)
        return replace(self._read_csv(files.find(known.file, self.dir)), name=self.name)

    def _read_csv(self, path: str | Path) -> Series:
        needed = self.returns.needed([str(self.target)])
        past = [*self.past, *(name for name in needed if name not in self.past)]
        found = read_csv(path, self.target, self.time, None, past, self.future, self.static, self.id)
        return self.returns.added(found, self.past)

    def _usual_head(self, beside: bool) -> str:
        """What ``task.head=auto`` means: a head that feeds itself for a short series with nothing beside it."""
        if not beside and self.split.train <= _SHORT:
            return "recursive"
        return "segment" if self.horizon >= _SEVERAL else "direct"

    def _fit(self) -> None:
        """Measures the rows that training may see, and lays all rows out as one tensor."""
        series, fitted = self.series, self.fitted_rows
        seen = np.ones(len(series.names), dtype=bool) if self._unseen is None else self._unseen.seen
        statistics = fit_statistics(
            np.asarray(series.values[:fitted]), self.lengths.season, int(np.argmax(seen))
        )
        encoder = Encoder(
            past=[name for name in series.past if name not in series.own],
            future=[name for name in series.future if name not in series.own],
            calendar=choose_calendar(self.calendar, series.index, series.freq),
            holidays=read_holidays(self.holidays),
            lags=self.lags,
            own=Own(
                list(series.names) if series.own else [],
                [name for name in series.past if name in series.own],
                [name for name in series.future if name in series.own],
            ),
        ).fit(series.covariates, fitted, list(np.array(series.names)[seen]))
        read, _ = encoder.names(series.names)
        statistics["head"] = self._usual_head(bool(read) or series.static is not None)
        statistics["each"] = encoder.each()
        if series.static is not None:
            statistics["static"] = coded_static(series.static, seen)
        if self._unseen is not None:
            statistics["unseen"] = True  # so that no net has weights for one series alone
        self._rows = lay_out(series, encoder, statistics, self.horizon)
        processor = SeriesProcessor.of(
            series,
            encoder,
            statistics,
            self.lengths.lookback,
            self.horizon,
            self.unit or series.unit,
            self.time,
        )
        self._processor = replace(processor, returns=dict(self.returns.of))


def _listed(words: Sequence[str] | str | None) -> list[str]:
    return [] if words is None else [words] if isinstance(words, str) else list(words)
