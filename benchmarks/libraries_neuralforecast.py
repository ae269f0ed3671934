"""The arm of `libraries.py` that runs in neuralforecast's own environment: values come in, a forecast goes out."""

import json
import logging
import sys

import pandas as pd
from neuralforecast import NeuralForecast
from neuralforecast.models import LSTM


def main(way: str, seed: int) -> None:
    logging.disable(logging.WARNING)
    given = json.load(sys.stdin)
    values, horizon = given["values"], given["horizon"]
    stamps = pd.date_range("1949-01", periods=len(values), freq="ME")
    table = pd.DataFrame({"unique_id": 1.0, "ds": stamps, "y": values})
    quiet = {
        "accelerator": "cpu",
        "enable_progress_bar": False,
        "logger": False,
        "enable_model_summary": False,
    }
    # The quickstart of its documentation, which forecasts these passengers; defaults need nothing but the horizon.
    example = {
        "input_size": 2 * horizon, "max_steps": 500, "scaler_type": "standard", "encoder_hidden_size": 64,
        "decoder_hidden_size": 64,
    }  # fmt: skip
    model = LSTM(h=horizon, random_seed=seed, **(example if way == "example" else {}), **quiet)
    forecaster = NeuralForecast(models=[model], freq="ME")
    forecaster.fit(df=table)
    print(json.dumps(forecaster.predict()["LSTM"].tolist()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
