"""A stream of a forecaster: after each row, the forecast from there.

Every window is normalised by its own rows, so that what is remembered is the window itself: the rows that a forecast
reads, and no state of the core, which would come from other numbers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lstm_lab.data.timeseries.frequency import extend
from lstm_lab.data.timeseries.processor import SeriesProcessor
from lstm_lab.errors import UserError
from lstm_lab.predictor import Predictor

# Rows after which the clock is set anew, so that the phase of a season is counted from near.
_ANEW = 64


class SeriesStream:
    """Rows go in, forecasts come out.

    Args:
        predictor: of a series.
        begun: whether the rows follow on the last ones of the training file; else the first forecast comes when
            as many rows were read as one needs.

    Raises:
        UserError: for a model that reads what is known ahead: of the rows to come, a stream knows nothing.
    """

    def __init__(self, predictor: Predictor, begun: bool = False) -> None:
        self.predictor, self.processor = predictor, predictor.processor
        processor: SeriesProcessor = self.processor
        if processor.encoder.future:
            raise UserError(
                f"stream=true: the model reads '{processor.encoder.future[0]}' of {processor.horizon} rows ahead, which"
                " a stream does not have; train without data.future."
            )
        self.begun = begun
        self.needed = processor.lookback + max([0, *processor.encoder.lags])
        predictor.model.eval()
        self.reset()

    @property
    def sample(self) -> str:
        """What a sample is, in words."""
        names = self.processor.names
        shown = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
        return f"a row of {len(names)} numbers ({shown}), in this order or by name"

    def reset(self) -> None:
        """Forgets all rows."""
        self._rows: deque[list[Any]] = deque(maxlen=self.needed)
        self._clock: deque[Any] = deque(maxlen=self.needed)
        self._near, self._since = self.processor, 0
        if self.begun:
            table = self.processor.example()
            for stamp, row in zip(table.index, table.itertuples(index=False), strict=True):
                self._rows.append(list(row))
                self._clock.append(stamp)

    def push(self, sample: Any, time: Any = None) -> dict[str, Any] | None:
        """Reads a row, and returns the forecast of what comes after it.

        Args:
            sample: the numbers of a row, in order or by name; a number alone where one is read.
            time: of the row; the next tick of the clock if not given.

        Returns:
            ``time`` (of each step) and ``forecast``, with ``lower`` and ``upper`` once calibrated: lists, of several
            series ``forecast <name>`` each; None as long as too few rows were read.

        Raises:
            UserError: for a row that does not fit, or a time that is not the next.
        """
        row = self._row(sample)
        stamp = self._stamp(time)
        self._rows.append(row)
        self._clock.append(stamp)
        self._since += 1
        if len(self._rows) < self.needed:
            return None
        found = self.predict()
        return {
            "time": [_shown(stamp) for stamp in found.index],
            **{str(name): list(found[name]) for name in found},
        }

    def finish(self) -> None:
        """A series holds nothing back."""

    def predict(self) -> pd.DataFrame:
        """The forecast after the rows so far, as `Predictor.predict` gives it."""
        table = pd.DataFrame(list(self._rows), index=self._index(), columns=self._near.names)
        if self._since >= _ANEW:
            self._set_anew(table.index)
        batch = self._near.to_batch(table)
        return self._near.to_frame(self.predictor.predict_batch(batch), table)

    @property
    def state(self) -> dict[str, Tensor]:
        """The rows that the next forecast reads."""
        targets = [row[: len(self.processor.targets)] for row in self._rows]
        numbers = np.array(targets, dtype=np.float64)
        return {"rows": torch.from_numpy(numbers)}

    @property
    def size(self) -> int:
        """Numbers in `state`, and what stands beside the series."""
        return len(self._rows) * len(self.processor.names)

    def _row(self, sample: Any) -> list[Any]:
        names = self.processor.names
        if isinstance(sample, Mapping | pd.Series):
            gone = [name for name in names if name not in sample]
            if gone:
                raise UserError(f"the row has no '{gone[0]}'; a sample of this stream is {self.sample}.")
            cells = [sample[name] for name in names]
        else:
            cells = list(np.ravel(np.asarray(sample, dtype=object)))
        if len(cells) != len(names):
            raise UserError(f"a row of {len(cells)} cells; a sample of this stream is {self.sample}.")
        known = len(self.processor.targets)
        try:
            numbers = [float(cell) if cell not in (None, "") else float("nan") for cell in cells[:known]]
        except (TypeError, ValueError):
            raise UserError(
                f"{cells[:known]} holds no numbers; a sample of this stream is {self.sample}."
            ) from None
        return [*numbers, *cells[known:]]

    def _stamp(self, time: Any) -> Any:
        """The time of the next row, as the clock of the training data counts."""
        if not self._clock:
            if not self.processor.freq:
                return 0 if time is None else int(time)
            if time is None and self.processor.statistics["block"] > 1:
                raise UserError(
                    "the first row needs its time: what comes next depends on where in its season it stands."
                )
            return self.processor.index()[0] if time is None else pd.Timestamp(time)
        following = extend(self._index()[-1:], 1, self.processor.freq)[0]
        if time is None:
            return following
        given = pd.Timestamp(time) if self.processor.freq else int(time)
        if given != following and self.processor.freq != "B":
            raise UserError(
                f"the row of {_shown(given)} came where {_shown(following)} was next ({self.processor.freq})."
            )
        return given

    def _index(self) -> pd.Index:
        freq = self.processor.freq
        if not freq:
            return pd.RangeIndex(int(self._clock[0]), int(self._clock[-1]) + 1)
        if freq == "B":
            return pd.DatetimeIndex(list(self._clock))
        return pd.date_range(self._clock[0], periods=len(self._clock), freq=freq)

    def _set_anew(self, index: pd.Index) -> None:
        """Lets the clock of the processor begin at these rows: a long stream must not count from the training data."""
        phase = (self._near._phase_after(index) - len(index)) % self._near.statistics["block"]
        clock = [stamp.isoformat() for stamp in index] if self.processor.freq else [int(row) for row in index]
        self._near = replace(self._near, clock=clock, phase=int(phase))
        self._since = 0


def _shown(stamp: Any) -> str:
    return str(stamp.isoformat() if hasattr(stamp, "isoformat") else stamp)
