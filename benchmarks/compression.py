"""What a smaller model costs and saves: ``python benchmarks/compression.py run=latest`` (a finished run, LSTM or GRU).

One table: bytes of the exported file, milliseconds of an answer (median and 99th percentile, batches of 1 and 32, one
thread), memory of a process that has answered, and the deciding number of the test. Arms take turns in every round.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
import warnings
from pathlib import Path

import torch

from lstm_lab import evaluation
from lstm_lab.compression import quantized
from lstm_lab.data import SequenceDataModule
from lstm_lab.exporting import export
from lstm_lab.paths import find_run
from lstm_lab.predictor import Predictor, load
from lstm_lab.training.checkpoint import read_checkpoint
from lstm_lab.wiring import build

warnings.simplefilter("ignore")
ROUNDS = 200
# Nothing but torch is loaded, so that what is left is the file's own.
MEMORY = """
    import sys, warnings
    import psutil
    warnings.simplefilter("ignore")
    import torch
    torch.set_num_threads(1)
    question = torch.load(sys.argv[2])
    before = psutil.Process().memory_info().rss
    with torch.no_grad():
        torch.jit.load(sys.argv[1])(*question)
    print((psutil.Process().memory_info().rss - before) / 1e6)
"""


def metric(predictor: Predictor, data: SequenceDataModule) -> tuple[str, float]:
    tested = evaluation.test(predictor, data)
    name = next(iter(tested.shown))
    return name, tested.metrics[f"test/{name}"]


def milliseconds(files: dict[str, Path], question: list[torch.Tensor]) -> dict[str, list[float]]:
    loaded = {name: torch.jit.load(str(path)) for name, path in files.items()}
    taken: dict[str, list[float]] = {name: [] for name in files}
    with torch.no_grad():
        for number in range(ROUNDS + 10):
            for name, one in loaded.items():
                begun = time.perf_counter()
                one(*question)
                if number >= 10:
                    taken[name].append(1000 * (time.perf_counter() - begun))
    return taken


def memory(path: Path, question: list[torch.Tensor]) -> float:
    with tempfile.NamedTemporaryFile(suffix=".pt") as file:
        torch.save(question, file.name)
        words = [sys.executable, "-c", textwrap.dedent(MEMORY), str(path), file.name]
        return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def main(run: str) -> None:
    torch.set_num_threads(1)
    checkpoint = find_run(run) / "checkpoints" / "best.ckpt"
    full = load(checkpoint)
    arms = {"32 bits": full, "int8": quantized(full)}
    data = build(dict(read_checkpoint(checkpoint)["data"]), SequenceDataModule)
    data.setup("test")
    with tempfile.TemporaryDirectory() as name:
        files, questions = {}, {}
        for arm, predictor in arms.items():
            folder = Path(name) / arm.replace(" ", "")
            folder.mkdir()
            made = export(predictor, folder, "torch")
            files[arm] = made.path
            questions = {
                rows: [torch.cat([one[:1]] * rows) for one in made.graph.example] for rows in (1, 32)
            }
        taken = {rows: milliseconds(files, question) for rows, question in questions.items()}
        print(f"{'':<10} {'kB':>8} {'b=1 p50':>9} {'p99':>8} {'b=32 p50':>9} {'p99':>8} {'MB':>6}  metric")
        found = {}
        for arm, predictor in arms.items():
            title, value = metric(predictor, data)
            times = [
                at
                for rows in (1, 32)
                for at in (
                    statistics.median(taken[rows][arm]),
                    statistics.quantiles(taken[rows][arm], n=100)[98],
                )
            ]
            found[arm] = (files[arm].stat().st_size, value)
            print(
                f"{arm:<10} {found[arm][0] / 1000:>8.0f} {times[0]:>9.2f} {times[1]:>8.2f} {times[2]:>9.2f}"
                f" {times[3]:>8.2f} {memory(files[arm], questions[32]):>6.1f}  {title} {value:.5g}"
            )
    (size, value), (small, less) = found["32 bits"], found["int8"]
    print(f"size {small / size:.1%}; {title} {less / value - 1:+.2%} relative")
    print(json.dumps({"size": small / size, "metric": less / value - 1}))


if __name__ == "__main__":
    words = dict(word.partition("=")[::2] for word in sys.argv[1:])
    main(words.get("run", "latest"))
