"""What batches of windows cost: one gather of views against a `DataLoader`, per item or over copied windows.

    python benchmarks/loading.py [--quick] [--repeats 7]

A synthetic series of the shape of ETTh1 (17,420 rows of 7 columns, float32), windows of 96 rows to read and 96 to
forecast, shuffled batches of 256. Arms, alternated in one process:

* ``gather``     `data.loader.TrainingLoader`: one `index_select` a batch over a view of all windows.
* ``unfold``     the same over the view that `Tensor.unfold` gives, in one indexing call.
* ``copied``     `DataLoader(TensorDataset(inputs, targets), shuffle=True)`: all windows copied out before.
* ``per item``   `DataLoader` over a data set that slices one window in `__getitem__`, as tutorials do.

All arms yield the same number of windows, and the sum over an epoch's targets agrees, or the result is void. Memory
is what an arm holds and gathers beside the series, at its most, in a process of its own.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from lstm_lab.data.loader import Shuffled, TrainingLoader
from lstm_lab.data.timeseries.windows import Windows

ROWS, COLUMNS, LOOKBACK, STEPS, BATCH = 17_420, 7, 96, 96, 256
Pairs = Iterator[tuple[Tensor, Tensor]]


def series() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(ROWS, COLUMNS, generator=generator).cumsum(0) / 100


def gather(values: Tensor) -> Callable[[], Pairs]:
    windows = Windows(values, list(range(COLUMNS)), LOOKBACK, ROWS - STEPS, LOOKBACK, STEPS)
    loader = TrainingLoader(windows, Shuffled(len(windows), BATCH))

    def epoch() -> Pairs:
        for batches in loader:
            for batch in batches:
                yield batch.inputs, batch.targets["horizon"]

    return epoch


def unfold(values: Tensor) -> Callable[[], Pairs]:
    windows = values.unfold(0, LOOKBACK + STEPS, 1)  # (W, C, L + S)

    def epoch() -> Pairs:
        for rows in torch.randperm(len(windows)).split(BATCH):
            batch = windows[rows].transpose(1, 2)
            yield batch[:, :LOOKBACK], batch[:, LOOKBACK:]

    return epoch


def copied(values: Tensor) -> Callable[[], Pairs]:
    both = values.unfold(0, LOOKBACK + STEPS, 1).transpose(1, 2).contiguous()  # (W, L + S, C)
    loader = DataLoader(TensorDataset(both[:, :LOOKBACK], both[:, LOOKBACK:]), BATCH, shuffle=True)
    return lambda: iter(loader)


class Items(Dataset[tuple[Tensor, Tensor]]):
    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values) - LOOKBACK - STEPS + 1

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        middle = index + LOOKBACK
        return self.values[index:middle], self.values[middle : middle + STEPS]


def per_item(values: Tensor) -> Callable[[], Pairs]:
    loader = DataLoader(Items(values), BATCH, shuffle=True)
    return lambda: iter(loader)


ARMS: dict[str, Callable[[Tensor], Callable[[], Pairs]]] = {
    "gather": gather,
    "unfold": unfold,
    "copied": copied,
    "per item": per_item,
}


def total(epoch: Callable[[], Pairs]) -> tuple[int, float]:
    count, found = 0, 0.0
    for inputs, targets in epoch():
        count += len(inputs)
        found += float(targets.double().sum())
    return count, found


def seconds(epoch: Callable[[], Pairs]) -> tuple[float, float]:
    gc.collect()
    gc.disable()
    try:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in epoch():
            pass
        return time.perf_counter() - wall, time.process_time() - cpu
    finally:
        gc.enable()


def peak(name: str) -> float:
    """Growth of the memory of a fresh process at its most in one epoch, in bytes."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return float(pool.apply(_grow, (name,)))


def _grow(name: str) -> int:
    torch.set_num_threads(1)
    values = series()
    memory = psutil.Process().memory_info
    before = memory().rss
    return max(memory().rss for _ in ARMS[name](values)()) - before


def ratio(taken: dict[str, list[Any]], name: str, which: int) -> str:
    ratios = [one[which] / base[which] for one, base in zip(taken[name], taken["gather"], strict=True)]
    return f"{statistics.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one repeat: shows that it works")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    repeats = 1 if arguments.quick else arguments.repeats
    torch.set_num_threads(1)
    values = series()
    epochs = {name: arm(values) for name, arm in ARMS.items()}
    sums = {name: total(epoch) for name, epoch in epochs.items()}
    count, truth = sums["gather"]
    for name, (windows, found) in sums.items():
        if windows != count or abs(found - truth) > 1e-5 * abs(truth):
            raise SystemExit(f"void: {name} gave {windows} windows, sum {found}; gather {count}, {truth}")
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ARMS}
    for _ in range(repeats):
        for name, epoch in epochs.items():
            taken[name].append(seconds(epoch))
    print(f"{torch.get_num_threads()} thread, {count} windows of {LOOKBACK}+{STEPS} rows, batches of {BATCH}")
    size = values.numel() * values.element_size()
    print("an epoch of batches over gather's: median (min-max); memory over that of the series,")
    print(f"{size / 1e6:.2f} MB, of which one batch is {BATCH * (LOOKBACK + STEPS) / ROWS:.1f} times as much")
    print(f"{'arm':<12}{'ms a batch':<14}{'wall':<20}{'processor':<20}{'peak memory':<14}")
    for name in ARMS:
        each = 1e3 * statistics.median(wall for wall, _ in taken[name]) / -(-count // BATCH)
        memory = f"{peak(name) / size:.0f}x"
        print(f"{name:<12}{each:<14.3f}{ratio(taken, name, 0):<20}{ratio(taken, name, 1):<20}{memory:<14}")


if __name__ == "__main__":
    main()
