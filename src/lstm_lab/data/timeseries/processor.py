"""From a table to windows and from forecasts back to a table; fitted on training rows, saved as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from lstm_lab.batch import Batch
from lstm_lab.data.timeseries.source import extend, read_csv
from lstm_lab.errors import UserError


@dataclass
class SeriesProcessor:
    """Raw table to `Batch`, forecast to table.

    Attributes:
        names: columns of the input.
        targets: columns that are forecast.
        lookback: rows that a forecast reads.
        horizon: rows that a forecast writes.
        statistics: what was measured on the training rows, see `lstm_lab.data.timeseries.statistics.fit_statistics`.
        tail: the last `lookback` rows of all data, column by column, from which a forecast goes on.
        clock: time stamps of these rows as ISO text, or row numbers.
        phase: phase of the first of these rows in its season.
        widths: half the width of the interval for each step and target, (S, D); empty before calibration.
        freq: pandas' name of the frequency, empty for a clock of row numbers.
        unit: unit of the values.
    """

    names: list[str]
    targets: list[str]
    lookback: int
    horizon: int
    statistics: dict[str, Any]
    tail: list[list[float]] = field(default_factory=list)
    clock: list[str] | list[int] = field(default_factory=list)
    freq: str = ""
    phase: int = 0
    widths: list[list[float]] = field(default_factory=list)
    unit: str = ""

    def to_plain(self) -> dict[str, Any]:
        """Returns dicts, lists, strings and numbers only."""
        return {"kind": "series", **asdict(self)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> SeriesProcessor:
        """Rebuilds a processor from what `to_plain` gave."""
        return cls(**{key: value for key, value in plain.items() if key != "kind"})

    def index(self) -> pd.Index:
        """The clock of `tail`."""
        if self.freq:
            return pd.DatetimeIndex(pd.to_datetime(self.clock), freq=self.freq)
        return pd.RangeIndex(int(self.clock[0]), int(self.clock[-1]) + 1)

    def example(self) -> pd.DataFrame:
        """The rows from which a forecast beyond the end of the data goes on."""
        return pd.DataFrame(np.array(self.tail).T, index=self.index(), columns=self.names)

    def table(self, raw: Any) -> pd.DataFrame:
        """Returns the rows to go on from: a table as it is, those of a csv, or without any the end of the data."""
        if raw is None:
            return self.example()
        if isinstance(raw, (str, Path)):
            series = read_csv(raw, self.names)
            return pd.DataFrame(series.values, index=series.index, columns=self.names)
        return raw

    def to_batch(self, frame: pd.DataFrame) -> Batch:
        """Reads the last `lookback` rows of a table as a batch of one window.

        Raises:
            UserError: if a column is missing, a value is no number, there are too few rows, or their clock
                does not tick as that of the training data.
        """
        for name in self.names:
            if name not in frame:
                raise UserError(
                    f"the table has no column '{name}'; it has {', '.join(map(str, frame.columns))}."
                )
        if len(frame) < self.lookback:
            raise UserError(f"a forecast reads {self.lookback} rows, the table has {len(frame)}.")
        rows = frame[self.names].to_numpy(np.float64)[-self.lookback :]
        if not np.isfinite(rows).all():
            row, column = np.argwhere(~np.isfinite(rows))[0]
            where = frame.index[len(frame) - self.lookback + row]
            raise UserError(f"the table has no number at {where} in column '{self.names[column]}'.")
        self._check_clock(frame.index[-self.lookback :])
        phases = (self._phase_after(frame.index) - np.arange(len(rows), 0, -1)) % self.statistics["block"]
        inputs = torch.as_tensor(np.c_[rows, phases], dtype=torch.float32)[None]  # (1, L, C + 1)
        return Batch(
            inputs=inputs, lengths=torch.tensor([self.lookback]), keys=torch.zeros(1, dtype=torch.long)
        )

    def _check_clock(self, index: pd.Index) -> None:
        if not (self.freq and isinstance(index, pd.DatetimeIndex)):
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
        raise UserError(f"the table needs a clock like that of the training data, as in {own[-1]}.")

    def finish(self, predictions: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Adds ``lower`` and ``upper`` to ``forecast`` (B, S, D), once calibrated."""
        if not self.widths:
            return predictions
        forecast = predictions["forecast"]
        half = torch.full(forecast.shape[1:], torch.nan)  # nothing is known of the errors beyond the horizon
        known = torch.tensor(self.widths)[: len(half)]
        half[: len(known)] = known
        return {**predictions, "lower": forecast - half, "upper": forecast + half}

    def calibrate(self, errors: torch.Tensor, known: torch.Tensor, share: float) -> None:
        """Sets the interval by split conformal prediction on errors of rows that training did not see.

        Errors of a seasonal random walk grow with the square root of the seasons ahead (Hyndman &
        Athanasopoulos 2021, section 5.5): all steps are brought to one season, share one quantile, and are
        spread again.

        Args:
            errors: (W, S, D) forecast minus truth.
            known: (W, S, D), where there is a truth.
            share: of future values that the interval should hold.
        """
        block = self.statistics["block"]
        growth = ((torch.arange(errors.shape[1]) // block) + 1).sqrt()[:, None]  # (S, 1)
        widths = []
        for number in range(errors.shape[2]):
            size = (errors[..., number] / growth.squeeze(1)).abs()[known[..., number]].sort().values
            rank = min(len(size) - 1, int(np.ceil(share * (len(size) + 1))) - 1)
            widths.append(growth * size[rank])
        self.widths = torch.cat(widths, dim=1).double().tolist()

    def to_frame(self, predictions: dict[str, torch.Tensor], table: pd.DataFrame) -> pd.DataFrame:
        """Turns the forecast of one window into a table with one row a step.

        Args:
            predictions: ``forecast``, ``lower`` and ``upper``, each (1, S, D).
            table: the rows that were read; their clock goes on.
        """
        after = table.index
        if self.freq and isinstance(after, pd.DatetimeIndex):
            after = pd.DatetimeIndex(after[-1:], freq=self.freq)
        stamps = extend(after, predictions["forecast"].shape[1])
        columns = {}
        for number, target in enumerate(self.targets):
            suffix = "" if len(self.targets) == 1 else f" {target}"
            for name in ("forecast", "lower", "upper"):
                if name in predictions:
                    columns[name + suffix] = predictions[name][0, :, number].double().numpy()
        return pd.DataFrame(columns, index=pd.Index(stamps, name="time"))
