"""Speeds of time series, as ratios in one run.

python benchmarks/timeseries.py                 # loader, backtest, predict; needs LSTM_LAB_DATA for ETTh1
python benchmarks/timeseries.py members         # eight members of an airline ensemble against one
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.models import GRU
from lstm_lab.predictor import Predictor
from lstm_lab.tasks import build_task


def fastest(call: Callable[[], object], times: int = 5) -> float:
    """Seconds of the fastest of several calls."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def seconds(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


class PerItem(Dataset):
    """Windows sliced one by one in numpy and collated, as tutorials do it."""

    def __init__(self, values: np.ndarray, lookback: int, horizon: int) -> None:
        self.values, self.lookback, self.horizon = values, lookback, horizon

    def __len__(self) -> int:
        return len(self.values) - self.lookback - self.horizon + 1

    def __getitem__(self, item: int) -> tuple[np.ndarray, np.ndarray]:
        middle = item + self.lookback
        return self.values[item:middle], self.values[middle : middle + self.horizon]


def build(hidden: int, **settings: object) -> tuple[TimeSeriesDataModule, GRU]:
    data = TimeSeriesDataModule(**settings)
    data.setup()
    task = build_task({"name": "forecast", "head": "segment", "segment": 24, "loss": "mse"}, "horizon")
    data.suit(task.to_plain())
    return data, GRU(data.spec, task, data.statistics, hidden_size=hidden, seed=0)


def loading() -> None:
    """A pass over ETTh1's training windows, look-back 96, batch 256, and its share of a training step."""
    ett = {"name": "etth1", "target": "all", "rows": 14400, "test": 2880, "validation": 2880}
    data, model = build(128, **ett, horizon=96, lookback=96, batch_size=256)
    loader = data.train_dataloader()
    values = data.series.values[: data.split.train].astype(np.float32)
    per_item = DataLoader(PerItem(values, 96, 96), 256, shuffle=True)
    ours, theirs = fastest(lambda: list(loader), 3), fastest(lambda: list(per_item), 3)
    print(
        f"loader: {theirs / ours:.1f} times a per-item DataLoader ({ours:.3f} s against {theirs:.3f} s a pass)"
    )
    batch = data.example_batch()
    step = fastest(lambda: model.task.loss(model.members[0], batch).backward(), 3)
    share = ours / len(loader) / (ours / len(loader) + step)
    print(f"loader: {100 * share:.1f} % of a step of {step:.3f} s (segment head, hidden 128)")


def backtest() -> None:
    """All origins in one pass against a loop over origins, 200 origins of ETTh1's oil temperature."""
    data, model = build(32, name="etth1", rows=14400, horizon=24, lookback=96, test=223, validation=300)
    predictor, windows = Predictor(model, data.processor), data.windows("test")
    loop: list[torch.Tensor] = []

    def one_by_one() -> None:
        loop[:] = [
            predictor.predict_batch(windows.gather(slice(row, row + 1)))["forecast"]
            for row in range(len(windows))
        ]

    together = predictor.predict_batch(windows.gather(slice(None)))["forecast"]
    ours = fastest(lambda: predictor.predict_batch(windows.gather(slice(None))))
    theirs = fastest(one_by_one, 2)
    apart = float((together - torch.cat(loop)).abs().max())
    print(
        f"backtest: {len(windows)} origins in one pass {theirs / ours:.0f} times a loop, apart by {apart:.1e}"
    )


def predicting() -> None:
    """The latency of a loaded model for one series."""
    data, model = build(32, name="airline", horizon=12)
    predictor = Predictor(model, data.processor)
    table = data.processor.example()
    seconds = []
    for _ in range(60):
        started = time.perf_counter()
        predictor.predict(table)
        seconds.append(time.perf_counter() - started)
    print(f"predict: median {1000 * np.median(seconds):.1f} ms for one series")


def members() -> None:
    """Eight members of the airline's usual ensemble against one: training alone, in turns and side by side."""
    from lightning.pytorch import seed_everything

    from lstm_lab.models import LSTM
    from lstm_lab.training.trainer import build_trainer

    def train(count: int) -> None:
        data = TimeSeriesDataModule("airline", horizon=36, test=36)
        data.setup()
        data.steps, data.chunk = 80, 64
        seed_everything(0, verbose=False)
        model = LSTM(
            data.spec, None, data.statistics, hidden_size=16, ensemble=count, steps_per_execution=64, seed=0
        )
        build_trainer(80).fit(model, train_dataloaders=data.train_dataloader())

    for cores in (1, 2):
        os.environ["OMP_NUM_THREADS"] = str(cores)  # how many members may be trained at a time
        train(8)
        one, eight = zip(
            *((seconds(lambda: train(1)), seconds(lambda: train(8))) for _ in range(7)), strict=True
        )
        ratio = np.median(np.array(eight) / np.array(one))
        load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        print(
            f"members: eight take {ratio:.2f} times one by the clock (medians of 7 in turn: {np.median(eight):.2f} and "
            f"{np.median(one):.2f} s) on {cores} core(s); {load}"
        )


def main(argv: list[str]) -> None:
    torch.set_num_threads(1)
    if argv == ["members"]:
        members()
        return
    for part in (loading, backtest, predicting):
        part()


if __name__ == "__main__":
    main(sys.argv[1:])
