"""What a model costs to keep and to ask, beside what it is worth: runs side by side, each in eight bits as well."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from lstm_lab import evaluation
from lstm_lab.compression import origin
from lstm_lab.compression.int8 import quantized
from lstm_lab.data import SequenceDataModule
from lstm_lab.errors import UserError
from lstm_lab.exporting import export
from lstm_lab.predictor import Predictor, data_of, load
from lstm_lab.training.checkpoint import read_checkpoint

BATCHES = (1, 32)
ROUNDS, WARM = 200, 10


@dataclass
class Cost:
    """One row of the table.

    Attributes:
        run: end of the run's name.
        what: cell, units and origin, in words.
        size: bytes of the exported file.
        times: (median, 99th percentile) of milliseconds of an answer, by rows of the batch; one
            thread, by its own clock.
        memory: megabytes that loading the file and answering for 32 rows take at their peak, in a process of its own.
        metric: title of the deciding number of the test.
        value: of it.
    """

    run: str
    what: str
    size: int
    times: dict[int, tuple[float, float]]
    memory: float
    metric: str
    value: float


@dataclass
class _Arm:
    run: str
    what: str
    predictor: Predictor
    data: SequenceDataModule
    path: Path
    example: list[Tensor]


def costs(runs: Sequence[Path]) -> tuple[list[Cost], dict[str, str]]:
    """Measures finished runs, each with weights of 32 and of 8 bits.

    All are exported by the same writer, take turns in each round of the clock, and answer the test once.

    Returns:
        The rows in the order of the runs, and what could not be had, with its reason.

    Raises:
        UserError: if nothing could be had at all.
    """
    left_out: dict[str, str] = {}
    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        arms = _arms(runs, Path(folder), left_out)
        if not arms:
            raise UserError(next(iter(left_out.values())))
        torch.set_num_threads(1)
        try:
            times = {rows: _milliseconds(arms, rows) for rows in BATCHES}
            found = [
                Cost(
                    arm.run,
                    arm.what,
                    arm.path.stat().st_size,
                    {rows: times[rows][number] for rows in BATCHES},
                    _megabytes(arm),
                    *_metric(arm),
                )
                for number, arm in enumerate(arms)
            ]
        finally:
            torch.set_num_threads(threads)
    return found, left_out


def _arms(runs: Sequence[Path], folder: Path, left_out: dict[str, str]) -> list[_Arm]:
    arms: list[_Arm] = []
    sources: dict[str, SequenceDataModule] = {}
    for run in runs:
        checkpoint = run / "checkpoints" / "best.ckpt"
        full, content = load(checkpoint), read_checkpoint(checkpoint)
        key = json.dumps(content["data"], sort_keys=True, default=str)
        if key not in sources:
            sources[key] = data_of(content)
        name, what = run.name.rsplit("-", 1)[-1], describe(run)
        for bits in ("", "int8"):
            label = f"{what}, {bits}" if bits else what
            try:
                predictor = quantized(full) if bits else full
                place = folder / f"{len(arms)}"
                place.mkdir(exist_ok=True)  # what could not be exported left it
                made = export(predictor, place, "torch")
            except UserError as error:
                left_out[f"{name} {label}"] = str(error)
                continue
            arms.append(_Arm(name, label, predictor, sources[key], made.path, made.graph.example))
    return arms


def describe(run: Path) -> str:
    """Says in a few words what a run's network is and where it comes from."""
    settings = yaml.safe_load((run / "config.yaml").read_text())
    model, members = settings["model"], settings["ensemble"]
    hidden = model["hidden_size"]
    units = "+".join(map(str, hidden)) if isinstance(hidden, list) else str(hidden)
    layers = f"×{model['num_layers']}" if model["num_layers"] > 1 and not isinstance(hidden, list) else ""
    words = [
        f"{members} {model['cell']}s" if isinstance(members, int) and members > 1 else model["cell"],
        units + layers,
    ]
    try:
        found = origin.of(settings)
    except UserError:  # the earlier run is gone
        found = {}
    if "pruned" in found:
        words.append(f"pruned {found['pruned']['amount']:g} of {found['pruned']['by']}")
    if "teacher" in found:
        words.append("taught")
    return " ".join(words)


def _question(arm: _Arm, rows: int) -> list[Tensor]:
    return [torch.cat([one[:1]] * rows) for one in arm.example]


@torch.no_grad()
def _milliseconds(arms: list[_Arm], rows: int) -> list[tuple[float, float]]:
    """Median and 99th percentile of an answer of each arm, which take turns.

    By the clock of the thread: an answer that is longer than the scheduler's slice would otherwise, on a busy machine,
    be charged with the wait for its core.
    """
    loaded = [(torch.jit.load(str(arm.path)), _question(arm, rows)) for arm in arms]
    taken: list[list[float]] = [[] for _ in arms]
    for number in range(ROUNDS + WARM):
        for (answer, question), times in zip(loaded, taken, strict=True):
            begun = time.thread_time()
            answer(*question)
            if number >= WARM:
                times.append(1000 * (time.thread_time() - begun))
    return [(statistics.median(times), statistics.quantiles(times, n=100)[98]) for times in taken]


def _megabytes(arm: _Arm) -> float:
    with tempfile.NamedTemporaryFile(suffix=".pt") as file:
        torch.save(_question(arm, BATCHES[-1]), file.name)
        script = Path(__file__).with_name("peak.py")
        words = [sys.executable, "-I", str(script), str(arm.path), file.name]
        return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def _metric(arm: _Arm) -> tuple[str, float]:
    tested = evaluation.test(arm.predictor, arm.data)
    key = next(iter(tested.shown))
    return tested.shown[key], tested.metrics[f"test/{key}"]


def rows_of(found: Sequence[Cost]) -> tuple[list[str], list[list[str]]]:
    """Returns the table in words: its titles, and a row a model; shares are of the first row."""
    titles = ["run", "", "kB", "", "ms, batch 1", f"batch {BATCHES[-1]}", "peak MB", found[0].metric, ""]
    first = found[0]
    rows = [
        [
            one.run,
            one.what,
            f"{one.size / 1000:.0f}",
            f"{one.size / first.size:.1%}",
            *(f"{one.times[rows][0]:.2f} / {one.times[rows][1]:.2f}" for rows in BATCHES),
            f"{one.memory:.1f}",
            f"{one.value:.4g}",
            f"{one.value / first.value - 1:+.2%}" if first.value else "",
        ]
        for one in found
    ]
    return titles, rows


def as_plain(found: Sequence[Cost]) -> list[dict[str, Any]]:
    """The rows as plain numbers, for a file."""
    return [
        {
            "run": one.run,
            "what": one.what,
            "bytes": one.size,
            "milliseconds": {str(rows): list(times) for rows, times in one.times.items()},
            "peak_megabytes": one.memory,
            one.metric: one.value,
        }
        for one in found
    ]
