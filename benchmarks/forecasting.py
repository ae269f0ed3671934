"""The figures of docs/timeseries.md: each recipe over several seeds, beside its best baseline.

    python benchmarks/forecasting.py                          # every recipe, seeds 1 to 5: hours on two busy cores
    python benchmarks/forecasting.py stock pm25 seeds=1,2,3

Every row is a run through the same code as ``python -m lstm_lab.train experiment=…``, with tracking off.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
import time

import numpy as np

from lstm_lab.doors import compose_config
from lstm_lab.experiment import run

RECIPES = {
    "airline_one_step": ("rmse", "mape"),
    "exchange_96": ("mse_standardised", "mae_standardised"),
    "pm25": ("rmse", "mae", "coverage"),
    "temperatures": ("mae", "crps", "coverage", "winkler"),
    "temperature_from_weather": ("rmse", "mae", "coverage"),
    "incidence": ("rmse", "mae", "crps", "crps_naive", "coverage", "winkler"),
    "stock_ohlcv": ("rmse", "mae_relative", "dm_p", "direction_share"),
    "stock": ("rmse", "mae_relative", "dm_p", "direction_share"),
    "etth1_96": ("mse_standardised", "mae_standardised"),
    "etth1_720": ("mse_standardised", "mae_standardised"),
}


def measure(recipe: str, keys: tuple[str, ...], seeds: list[int], more: list[str]) -> None:
    """Runs a recipe with every seed and prints its numbers as they come."""
    found, seconds = [], []
    for seed in seeds:
        words = [f"experiment={recipe}", f"seed={seed}", "tracking=off", *more]
        started = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            result = run(compose_config(words), words)
        seconds.append(time.perf_counter() - started)
        assert result.directory is not None
        found.append(json.loads((result.directory / "metrics.json").read_text()))
        shown = ", ".join(f"{key} {found[-1]['metrics'][f'test/{key}']:.4g}" for key in keys)
        print(f"{recipe}, seed {seed}: {shown} ({seconds[-1]:.0f} s)", flush=True)
    print(f"{recipe}: {found[0]['protocol']}")
    for key in keys:
        values = np.array([one["metrics"][f"test/{key}"] for one in found])
        spread = f" ± {values.std(ddof=1):.2g}" if len(values) > 1 else ""
        print(f"  {key:<18} {values.mean():.4g}{spread}")
    name, best = next(
        iter(sorted(found[0]["baselines"].items(), key=lambda one: one[1].get(keys[0], np.inf)))
    )
    print(
        f"  best baseline: {name}, {keys[0]} {best.get(keys[0], np.nan):.4g}; {found[0]['verdict']}",
        flush=True,
    )


def main(argv: list[str]) -> None:
    seeds = [word.partition("=")[2] for word in argv if word.startswith("seeds=")]
    more = [word for word in argv if "=" in word and not word.startswith("seeds=")]
    names = [word for word in argv if "=" not in word] or list(RECIPES)
    with tempfile.TemporaryDirectory() as outputs:
        os.environ.setdefault("LSTM_LAB_OUTPUTS", outputs)
        for name in names:
            measure(
                name,
                RECIPES[name],
                [int(seed) for seed in (seeds[0] if seeds else "1,2,3,4,5").split(",")],
                more,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
