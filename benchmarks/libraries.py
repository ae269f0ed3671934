"""The whole airline run beside the LSTMs of darts and neuralforecast: error and time, each in its own environment.

    python benchmarks/libraries.py install /tmp/libraries    # once: a virtual environment for each, some minutes
    python benchmarks/libraries.py /tmp/libraries            # seeds=1,2,3 unless given

108 months are handed to each library, 36 are forecast from one origin, and both are scored here. Each library runs with
its own defaults and with the settings of its documented example of these passengers; nothing was tuned. Time is that of
the whole process, imports included, as seconds of the processor and by the clock, one thread each. Ours trains 15
networks twice, scores eleven baselines and draws. ``only=darts`` leaves the rows whose names begin so.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.tasks.metrics import score

# What was measured; the environment is pinned to the tested torch first, so that no build for GPUs is brought.
LIBRARIES = {"darts": "darts==0.48.1", "neuralforecast": "neuralforecast==3.3.0"}
TORCH = "torch==2.13.0"
TRAINING, HORIZON = 108, 36


def install(folder: Path) -> None:
    """Makes a virtual environment for each library, with what `arm` needs."""
    for name, wanted in LIBRARIES.items():
        venv.create(folder / name, with_pip=True)
        pip = [str(folder / name / "bin" / "python"), "-m", "pip", "install", "-q"]
        pins = folder / f"{name}.txt"
        pins.write_text(TORCH + "\n")
        subprocess.run([*pip, TORCH], check=True)
        subprocess.run([*pip, "-c", str(pins), wanted, "pytorch-lightning"], check=True)


def timed(call: Callable[[], str]) -> tuple[str, float, float]:
    """What a child process printed, the seconds that it took of the processor, and by the clock."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    printed = call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return printed, busy, time.perf_counter() - started


def ours(seed: int) -> tuple[np.ndarray, float, float]:
    """``python -m lstm_lab.train`` as anyone calls it, less the tracking."""
    with tempfile.TemporaryDirectory() as outputs:
        words = ["model=lstm", "data=airline", f"seed={seed}", "tracking=off"]
        environment = {**os.environ, "LSTM_LAB_OUTPUTS": outputs, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "lstm_lab.train", *words]
        _, busy, seconds = timed(
            lambda: (
                subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
            )
        )
        lines = (Path(outputs) / "runs" / "latest" / "predictions.csv").read_text().splitlines()
    column = lines[0].split(",").index("forecast")
    return np.array([float(line.split(",")[column]) for line in lines[1:]]), busy, seconds


def theirs(
    folder: Path, library: str, way: str, values: list[float], seed: int
) -> tuple[np.ndarray, float, float]:
    """One library in its environment: values in, a forecast out."""
    arm = Path(__file__).with_name(f"libraries_{library}.py")
    command = [str(folder / library / "bin" / "python"), "-W", "ignore", str(arm), way, str(seed)]
    given = json.dumps({"values": values, "horizon": HORIZON})
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    with tempfile.TemporaryDirectory() as aside:  # both libraries leave logs behind
        printed, busy, seconds = timed(
            lambda: (
                subprocess.run(
                    command,
                    input=given,
                    env=environment,
                    cwd=aside,
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout
            )
        )
    return np.array(json.loads(printed.splitlines()[-1])), busy, seconds


def main(argv: list[str]) -> None:
    if argv[:1] == ["install"]:
        install(Path(argv[1]))
        return
    folder = Path(argv[0])
    given = dict(word.split("=") for word in argv[1:])
    seeds = [int(seed) for seed in given.get("seeds", "1,2,3").split(",")]
    data = TimeSeriesDataModule("airline", horizon=HORIZON, test=HORIZON)
    data.setup()
    values = data.series.values[:, 0]
    known, truth, scale = values[:TRAINING].tolist(), values[TRAINING:], data.statistics["mase"][0]
    rows: dict[str, Callable[[int], tuple[np.ndarray, float, float]]] = {"ours, defaults": ours}
    for library in LIBRARIES:
        for way in ("defaults", "example"):
            rows[f"{library}, {way}"] = lambda seed, library=library, way=way: theirs(  # type: ignore[misc]
                folder, library, way, known, seed
            )
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; mean over seeds {seeds}")
    for name, run in rows.items():
        if not name.startswith(tuple(given.get("only", "").split(","))):
            continue
        try:
            found = [run(seed) for seed in seeds]
        except subprocess.CalledProcessError as error:
            print(f"{name:<26} gives no forecast: {error.stderr.strip().splitlines()[-1]}", flush=True)
            continue
        scores = [score(forecast, truth, scale) for forecast, _, _ in found]
        rmse = [one["rmse"] for one in scores]
        told = ", ".join(f"{one:.1f}" for one in rmse)
        busy, seconds = (float(np.mean([one[place] for one in found])) for place in (1, 2))
        print(
            f"{name:<26} RMSE {np.mean(rmse):6.2f} ({told})  MAPE {np.mean([one['mape'] for one in scores]):5.2f} %  "
            f"{busy:6.1f} s of CPU, {seconds:6.1f} s by the clock",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
