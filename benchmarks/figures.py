"""Errors of the default forecasters over five seeds, beside the best baseline: the figures of the README.

    python benchmarks/figures.py                  # airline and sine, seeds 1 to 5
    python benchmarks/figures.py airline model=gru

Every row is a run through the same code as ``python -m lstm_lab.train``, with tracking off.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from lstm_lab.doors import compose_config
from lstm_lab.experiment import run

SEEDS = (1, 2, 3, 4, 5)


def scores(data: str, words: list[str]) -> tuple[list[dict], list[float], list[Path]]:
    """Metrics, seconds and run directory of each seed."""
    found, seconds, runs = [], [], []
    for seed in SEEDS:
        overrides = [f"data={data}", f"seed={seed}", "tracking=off", *words]
        started = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            result = run(compose_config(overrides), overrides)
        seconds.append(time.perf_counter() - started)
        runs.append(result.directory)
        found.append(json.loads((result.directory / "metrics.json").read_text()))
    return found, seconds, runs


def free_run(directory: Path) -> float:
    """RMSE of 314 steps that feed on themselves, five periods, from the end of the validation rows on."""
    import lstm_lab

    index = 140 + np.arange(314)
    known = pd.DataFrame({"sin": np.sin(-10 + 0.1 * np.arange(140))})
    forecast = lstm_lab.load(directory).predict(known, steps=314)["forecast"]
    return float(np.sqrt(np.mean((forecast.to_numpy() - np.sin(-10 + 0.1 * index)) ** 2)))


def main(argv: list[str]) -> None:
    """Prints one table for each data set."""
    names = [word for word in argv if "=" not in word] or ["airline", "sine"]
    words = [word for word in argv if "=" in word]
    with tempfile.TemporaryDirectory() as outputs:
        os.environ["LSTM_LAB_OUTPUTS"] = outputs
        for name in names:
            found, seconds, runs = scores(name, words)
            print(f"\n{name} {' '.join(words)}: {found[0]['protocol']}")
            for key in ("test/rmse", "test/mae", "test/mape", "test/mase"):
                values = np.array([one["metrics"][key] for one in found])
                each = "  ".join(f"{value:.5g}" for value in values)
                print(f"  {key:<10} {values.mean():.4g} ± {values.std(ddof=1):.2g}   seeds 1..5: {each}")
            mse = np.mean([one["metrics"]["test/rmse"] ** 2 for one in found])
            print(f"  test/mse   {mse:.3g} (mean)")
            if name == "sine":
                print(
                    f"  free-running RMSE over 5 periods: {'  '.join(f'{free_run(one):.2g}' for one in runs)}"
                )
            best = min(found[0]["baselines"].items(), key=lambda item: item[1]["rmse"])
            print(f"  best baseline {best[0]}: RMSE {best[1]['rmse']:.4g}, MAPE {best[1]['mape']:.4g} %")
            print(f"  seconds a run, after imports: {np.median(seconds):.1f} (median)")


if __name__ == "__main__":
    main(sys.argv[1:])
