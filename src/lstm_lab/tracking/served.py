"""What MLflow runs when it serves a model of ours: copied as it is into every logged model."""

from __future__ import annotations

from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


def rows_to_raw(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns a table as it travels in JSON: its clock, if it has one, as a column of text."""
    if isinstance(frame.index, pd.DatetimeIndex):
        clock = frame.index.map(lambda stamp: stamp.isoformat())
        frame = frame.reset_index(drop=True)
        frame.insert(0, "time", clock)
    return frame


def raw_to_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns a table with its column ``time``, if it has one, as the clock."""
    if "time" not in frame:
        return frame
    return frame.drop(columns="time").set_index(pd.DatetimeIndex(pd.to_datetime(frame["time"]), name="time"))


class ServedModel(PythonModel):
    """The run's predictor behind MLflow's interface."""

    def load_context(self, context: Any) -> None:
        """Loads the checkpoint; neither training data nor config is needed."""
        from lstm_lab.predictor import load

        self._predictor = load(context.artifacts["checkpoint"])

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Predicts in the user's units."""
        return rows_to_raw(self._predictor.predict(raw_to_rows(model_input)))


set_model(ServedModel())
