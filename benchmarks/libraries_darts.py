"""The arm of `libraries.py` that runs in darts' own environment: values come in, a forecast goes out."""

import json
import logging
import sys

import numpy as np
import pandas as pd
from darts import TimeSeries
from darts.dataprocessing.transformers import Scaler
from darts.models import RNNModel
from darts.utils.timeseries_generation import datetime_attribute_timeseries


def main(way: str, seed: int) -> None:
    logging.disable(logging.WARNING)
    given = json.load(sys.stdin)
    values, horizon = given["values"], given["horizon"]
    index = pd.date_range("1949-01", periods=len(values), freq="MS")
    series = TimeSeries.from_times_and_values(index, np.array(values, np.float32))
    scaler = Scaler()
    scaled = scaler.fit_transform(series)
    quiet = {
        "accelerator": "cpu",
        "enable_progress_bar": False,
        "logger": False,
        "enable_model_summary": False,
    }
    if way == "defaults":  # what has no default: how much is read
        model = RNNModel(
            model="LSTM",
            input_chunk_length=24,
            training_length=36,
            random_state=seed,
            pl_trainer_kwargs=quiet,
        )
        model.fit(scaled, verbose=False)
        forecast = model.predict(horizon)
    else:
        # examples/04-RNN-examples.ipynb. It picks the checkpoint on the rows that it then scores; here the last one is
        # taken, because the test may not choose.
        stamps = pd.date_range("1949-01", periods=len(values) + horizon, freq="MS")
        year = Scaler().fit_transform(datetime_attribute_timeseries(stamps, "year", dtype=np.float32))
        months = datetime_attribute_timeseries(stamps, "month", one_hot=True, dtype=np.float32)
        covariates = year.stack(months)
        model = RNNModel(
            model="LSTM", hidden_dim=20, dropout=0, batch_size=16, n_epochs=300, optimizer_kwargs={"lr": 1e-3},
            random_state=seed, training_length=20, input_chunk_length=14, pl_trainer_kwargs=quiet,
        )  # fmt: skip
        model.fit(scaled, future_covariates=covariates, verbose=False)
        forecast = model.predict(horizon, future_covariates=covariates)
    print(json.dumps(scaler.inverse_transform(forecast).values()[:, 0].tolist()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
