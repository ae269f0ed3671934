"""From a table to windows and from forecasts back to a table; fitted on training rows, saved as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.timeseries.covariates import Encoder
from lstm_lab.data.timeseries.frequency import extend
from lstm_lab.data.timeseries.own import column
from lstm_lab.data.timeseries.returns import Returns
from lstm_lab.data.timeseries.source import Series, read_csv
from lstm_lab.data.timeseries.statistics import fill
from lstm_lab.data.timeseries.uncertainty import Uncertainty
from lstm_lab.errors import UserError


@dataclass
class SeriesProcessor:
    """Raw table to `Batch`, forecast to table.

    Attributes:
        names: columns of a table that is read: the series, then what stands beside them.
        targets: columns that are forecast.
        lookback: rows that a forecast reads.
        horizon: rows that a forecast writes.
        statistics: what was measured on the training rows, see `lstm_lab.data.timeseries.statistics.fit_statistics`.
        coding: the plain form of the `Encoder` of what stands beside the series.
        tail: the last rows of all data, column by column, from which a forecast goes on; None where one is missing.
        clock: time stamps of these rows as ISO text, or row numbers.
        phase: phase of the first of these rows in its season.
        uncertainty: interval and distribution around forecasts; empty before calibration.
        unit: unit of the values.
        time: columns of the clock as the user named them, for files to come.
        long: the column that names the series and that of their values, where files are long.
        returns: columns that are read as log changes, see `lstm_lab.data.timeseries.returns`.
    """

    names: list[str]
    targets: list[str]
    lookback: int
    horizon: int
    statistics: dict[str, Any]
    coding: dict[str, Any] = field(default_factory=lambda: Encoder([], []).to_plain())
    tail: list[list[Any]] = field(default_factory=list)
    clock: list[str] | list[int] = field(default_factory=list)
    freq: str = ""
    phase: int = 0
    uncertainty: Uncertainty = field(default_factory=Uncertainty)
    unit: str = ""
    time: str | list[str] | None = None
    long: list[str] = field(default_factory=list)
    returns: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        series: Series,
        encoder: Encoder,
        statistics: dict[str, Any],
        lookback: int,
        horizon: int,
        unit: str,
        time: str | Sequence[str] | None,
    ) -> SeriesProcessor:
        """Builds the processor of a series whose training rows have been measured."""
        reach = min(len(series), lookback + max([0, *encoder.lags]))
        beside = encoder.columns
        columns = [list(map(_plain, column)) for column in series.values[-reach:].T]
        rows = series.covariates.iloc[
            len(series) - reach : len(series) + horizon
        ]  # plans for the time to come too
        columns += [list(map(_plain, rows[name])) for name in beside]
        index = series.index[-reach:]
        stamped = isinstance(index, pd.DatetimeIndex)
        return cls(
            names=[*series.names, *beside],
            targets=list(series.names),
            lookback=lookback,
            horizon=horizon,
            statistics=statistics,
            coding=encoder.to_plain(),
            tail=columns,
            clock=[stamp.isoformat() for stamp in index] if stamped else [int(row) for row in index],
            freq=series.freq if stamped else "",
            phase=int((len(series) - reach) % statistics["block"]),
            unit=unit,
            time=time if time is None or isinstance(time, str) else list(time),
            long=list(series.long),
        )

    @property
    def encoder(self) -> Encoder:
        """Of what stands beside the series."""
        return Encoder(**self.coding)

    def to_plain(self) -> dict[str, Any]:
        """Returns dicts, lists, strings and numbers only."""
        return {"kind": "series", **asdict(self)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> SeriesProcessor:
        """Rebuilds a processor from what `to_plain` gave."""
        fields = {key: value for key, value in plain.items() if key != "kind"}
        return cls(**{**fields, "uncertainty": Uncertainty(**plain["uncertainty"])})

    def index(self) -> pd.Index:
        """The clock of `tail`."""
        if self.freq:
            regular = None if self.freq == "B" else self.freq
            return pd.DatetimeIndex(pd.to_datetime(self.clock), freq=regular)  # type: ignore[arg-type]
        return pd.RangeIndex(int(self.clock[0]), int(self.clock[-1]) + 1)

    # -- reading --------------------------------------------------------------------------------------------

    def example(self) -> pd.DataFrame:
        """The last rows of the data, from which a forecast goes on, and rows ahead of which something is known."""
        longest = max(len(column) for column in self.tail)
        index = self.index()
        if longest > len(index):
            index = index.append(extend(index, longest - len(index), self.freq))
        columns = [[*column, *[None] * (longest - len(column))] for column in self.tail]
        return pd.DataFrame(dict(zip(self.names, columns, strict=True)), index=index).infer_objects()

    def table(self, raw: Any) -> pd.DataFrame:
        """Returns the rows to go on from: a table as it is, those of a csv, or without any the end of the data."""
        if raw is None:
            return self.example()
        if isinstance(raw, (str, Path)):
            coder = self.encoder
            key, target = self.long or (None, self.targets)
            own, returns = coder.own, Returns(self.returns)
            plain = [name for name in coder.past if name not in returns.names]
            past = [*dict.fromkeys([*plain, *own.past, *returns.needed(self.targets)])]
            future = [*coder.future, *own.future]
            series = read_csv(raw, target, self.time, past=past, future=future, key=key, own=own.both)
            series = returns.added(series, plain)
            gone = [name for name in self.targets if name not in series.names]
            if gone:
                raise UserError(f"{raw}: there is no series '{gone[0]}' in column '{key}'.")
            table = pd.DataFrame(series.values, index=series.index, columns=list(series.names))[self.targets]
            ahead = len(series.covariates) - len(series) if coder.plans else 0
            if ahead > 0:
                table = table.reindex(series.index.append(series.ahead(ahead)))
            for name in coder.columns:
                table[name] = series.covariates[name].to_numpy()[: len(table)]
            return table
        changes = Returns(self.returns)
        if set(changes.names) <= set(raw):
            return raw
        return raw.join(changes.columns(raw))

    def to_batch(self, frame: pd.DataFrame) -> Batch:
        """Reads the last `lookback` rows of a table as a batch of one window.

        Rows at the end without any target are the time to come: what stands beside them is known ahead.

        Raises:
            UserError: if a column is missing, a value is no number, there are too few rows, their clock does not tick
                as that of the training data, or something known ahead is missing (naming the first time stamp).
        """
        for name in self.names:
            if name not in frame:
                raise UserError(
                    f"the table has no column '{name}'; it has {', '.join(map(str, frame.columns))}."
                )
        coder, block = self.encoder, self.statistics["block"]
        values = self._numbers(frame)
        told = np.flatnonzero(~np.isnan(values).all(axis=1))
        end = int(told[-1]) + 1 if coder.plans and len(told) else len(values)
        if end < self.lookback:
            raise UserError(f"a forecast reads {self.lookback} rows, the table has {end}.")
        past, index = frame.iloc[:end], frame.index[:end]
        self._check_clock(index[-self.lookback :])
        known = fill(values[:end])
        phases = (self._phase_after(index) - np.arange(end, 0, -1)) % block
        stamps, beside = self._stamps_ahead(frame, index)
        ahead = coder.ahead(beside, stamps)
        behind = coder.behind(past, known, _centres(self.statistics))
        rows = np.c_[known, behind, ahead[:end], phases][-self.lookback :]
        inputs = torch.as_tensor(rows, dtype=torch.float32)[None]  # (1, L, F)
        seen = np.ones(rows.shape, bool)
        seen[:, : len(self.targets)] = ~np.isnan(values[:end])[-self.lookback :]
        future = torch.as_tensor(ahead[end:], dtype=torch.float32)[None] if ahead.shape[1] else None
        return Batch(
            inputs=inputs,
            lengths=torch.tensor([self.lookback]),
            keys=torch.zeros(1, dtype=torch.long),
            observed=None if seen.all() else torch.as_tensor(seen)[None],
            future=future,
        )

    def _numbers(self, frame: pd.DataFrame) -> np.ndarray:
        """The series of a table, NaN where a value is missing and training knew such values."""
        try:
            values = frame[self.targets].to_numpy(np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            raise UserError(
                f"the table holds words where {', '.join(self.targets)} should be numbers."
            ) from None
        allowed = self.statistics.get("missing") or self.encoder.plans
        wrong = ~np.isfinite(values) & (~np.isnan(values) | (not allowed))
        wrong[: max(0, len(values) - self.lookback)] = False
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise UserError(
                f"the table has no number at {frame.index[row]} in column '{self.targets[column]}'."
            )
        return values

    def _stamps_ahead(self, frame: pd.DataFrame, index: pd.Index) -> tuple[pd.Index, pd.DataFrame]:
        """Stamps and covariates of the rows that are read and of the horizon after them."""
        plans = self.encoder.plans
        stamps = index.append(extend(index, self.horizon, self.freq))
        if not plans:
            return stamps, frame.iloc[:0]
        beside = frame[plans].reindex(stamps) if isinstance(index, pd.DatetimeIndex) else frame[plans]
        beside = beside.iloc[: len(stamps)]
        rows = beside.iloc[len(index) :]
        gone = (rows.isna() | (rows == "")).to_numpy()
        missing = int(np.argmax(gone.any(axis=1))) if gone.any() else len(rows)
        if missing < self.horizon:
            name = plans[int(np.argmax(gone[missing]))] if gone.any() else plans[0]
            raise UserError(
                f"data.future: {self._told(name)} is missing at {stamps[len(index) + missing]}: {self.horizon} rows "
                "ahead are needed."
            )
        return stamps, beside

    def _told(self, name: str) -> str:
        """What a person calls a column of the table."""
        own = self.encoder.own
        pairs = {column(one, series): (one, series) for one in own.both for series in own.series}
        return f"'{pairs[name][0]}' of series '{pairs[name][1]}'" if name in pairs else f"'{name}'"

    def _check_clock(self, index: pd.Index) -> None:
        if not (self.freq and self.freq != "B" and isinstance(index, pd.DatetimeIndex)):
            return
        wanted = pd.date_range(end=index[-1], periods=len(index), freq=self.freq)
        if len(wanted) and wanted[-1] == index[-1] and wanted.equals(index):
            return
        wrong = index[-1] if wanted[-1] != index[-1] else index[index != wanted][-1]
        raise UserError(f"the clock of the table is not regular ({self.freq}) at {wrong}.")

    def _phase_after(self, index: pd.Index) -> int:
        """The phase of the row that follows a clock; a table without one starts where ours does."""
        block, own = self.statistics["block"], self.index()
        if isinstance(index, pd.DatetimeIndex) and isinstance(own, pd.DatetimeIndex):
            first, last = sorted((own[0], index[-1]))
            distance = len(pd.date_range(first, last, freq=self.freq)) - 1
            return int(self.phase + (distance if first == own[0] else -distance) + 1) % block
        if isinstance(index, pd.RangeIndex) and isinstance(own, pd.RangeIndex):
            return int(self.phase + index[-1] - own[0] + 1) % block
        if block == 1:
            return 0
        raise UserError(
            f"the table needs a clock like that of the training data as its index, as in {own[-1]}."
        )

    # -- writing --------------------------------------------------------------------------------------------

    def finish(self, predictions: dict[str, Tensor]) -> dict[str, Tensor]:
        """Adds ``lower`` and ``upper`` to ``forecast`` (B, S, D), once calibrated; NaN beyond the horizon."""
        return self.uncertainty.finish(predictions)

    def to_frame(self, predictions: dict[str, Tensor], table: pd.DataFrame) -> pd.DataFrame:
        """Turns the forecast of one window into a table with one row a step.

        Args:
            predictions: ``forecast``, ``lower`` and ``upper``, each (1, S, D).
            table: the rows that were read; their clock goes on.
        """
        after = table.index
        if self.encoder.plans:
            told = np.flatnonzero(table[self.targets].notna().any(axis=1).to_numpy())
            after = after[: int(told[-1]) + 1]
        if self.freq and self.freq != "B" and isinstance(after, pd.DatetimeIndex):
            after = pd.DatetimeIndex(after[-1:], freq=self.freq)
        stamps = extend(after, predictions["forecast"].shape[1], self.freq)
        columns = {}
        for number, target in enumerate(self.targets):
            suffix = "" if len(self.targets) == 1 else f" {target}"
            for name in ("forecast", "lower", "upper"):
                if name in predictions:
                    columns[name + suffix] = predictions[name][0, :, number].double().numpy()
        return pd.DataFrame(columns, index=pd.Index(stamps, name="time"))


def _centres(statistics: dict[str, Any]) -> tuple[list[float], list[float]]:
    raw = statistics["moments"]["raw"]
    return raw["mean"], raw["std"]


def _plain(cell: Any) -> float | str | None:
    if isinstance(cell, str):
        return cell
    return None if pd.isna(cell) else float(cell)
