"""What tracking costs: 2,000 logged steps of a small LSTM with MLflow on, against the same steps without a word.

    python benchmarks/tracking.py [rounds] [steps]

The bound is 1.05, on the processor time of the whole process, which other programs disturb least; the seconds on the
wall stand beside it. The rounds take turns, so that a busy machine troubles all alike; the store is a real
SQLite file. Opening and closing a run are outside of the ratio and shown beside it: a run pays them once.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import torch

from lstm_lab.tracking.run import Run, open_run

BOUND = 1.05


def train(steps: int, run: Run | None) -> tuple[float, float]:
    """Trains the network that the airline series asks for; returns seconds on the wall and of processor."""
    torch.manual_seed(0)
    lstm, head = torch.nn.LSTM(1, 32, batch_first=True), torch.nn.Linear(32, 1)
    optimizer = torch.optim.Adam([*lstm.parameters(), *head.parameters()], fused=True)
    inputs, target = torch.randn(32, 12, 1), torch.randn(32, 1)  # (B, T, F), (B, 1)
    wall, processor = time.perf_counter(), time.process_time()
    for step in range(steps):
        optimizer.zero_grad()
        loss = (head(lstm(inputs)[0][:, -1]) - target).square().mean()
        loss.backward()
        optimizer.step()
        if run is not None:
            run.log_metrics({"train/loss": loss, "train/lr": 1e-3}, step)
    return time.perf_counter() - wall, time.process_time() - processor


def tracked(outputs: Path, uri: str | None, steps: int) -> tuple[float, float, float, float]:
    """Returns seconds of training on the wall and of processor, and those of opening and closing the run."""
    begin = time.perf_counter()
    run = open_run(outputs / "runs" / f"{time.time_ns()}", "benchmark", "one", uri=uri, outputs=outputs)
    opening = time.perf_counter() - begin
    wall, processor = train(steps, run)
    begin = time.perf_counter()
    if not run.close("FINISHED", patience=60):
        raise SystemExit("not everything arrived")
    return wall, processor, opening, time.perf_counter() - begin


def main(rounds: int = 7, steps: int = 2000) -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder)
        first = tracked(outputs, None, 10)[2]
        train(steps, None)
        found = []
        for _ in range(rounds):
            plain, off, on = train(steps, None), tracked(outputs, "off", steps), tracked(outputs, None, steps)
            found.append((*plain, *off[:2], *on))
    # Other programs only ever add time: the fastest round of each is the nearest to the truth.
    least = [min(column) for column in zip(*found, strict=True)]
    for place, title in enumerate(("without", "off", "on")):
        wall, processor = least[2 * place : 2 * place + 2]
        each = 1e6 * processor / steps
        print(f"{title:<8} {wall:6.2f} s on the wall, {processor:6.2f} s of processor: {each:.0f} us a step")
    print(f"opening {least[6]:.2f} s, in a new store {first:.1f} s, closing {least[7]:.2f} s")
    ratio = least[5] / least[1]
    print(f"on / without: {ratio:.3f} of processor, {least[4] / least[0]:.3f} on the wall; bound {BOUND}")
    if ratio > BOUND:
        raise SystemExit(f"tracking costs more than {BOUND}")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
