"""Runs side by side, read from their directories: no server, no database and no mlflow needed."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lstm_lab.tracking import lease
from lstm_lab.tracking.events import EVENTS, first_and_last, read_events
from lstm_lab.tracking.shipper import STATE, State
from lstm_lab.tracking.sync import run_directories

_COLUMNS = ["id", "data", "model", "metric", "value", "baseline", "status", "started", "seconds"]


def runs_table(outputs: Path) -> pd.DataFrame:
    """Returns all runs, the newest first: data, model, the deciding metric with its baseline, status, time.

    Columns: ``id`` (what ``run=`` takes), ``data``, ``model``, ``metric`` (``test/…``), ``value``, ``baseline`` (the
    best one's value of that metric), ``status``, ``started``, ``seconds``.
    """
    rows = [_row(directory) for directory in run_directories(outputs)]
    return pd.DataFrame(rows, columns=_COLUMNS).sort_values("started", ascending=False, ignore_index=True)


def name_of(directory: Path) -> str:
    """Returns the name by which `lstm_lab.paths.find_run` finds a run: the id at its end, of a trial ``<study>/3``."""
    above = directory.parent
    if above.name == "folds":  # outputs/folds/<name>-<id>/folds/3
        return f"{above.parent.name.rsplit('-', 1)[-1]}/{directory.name}"
    if above.parent.name == "studies":
        return f"{above.name}/{directory.name}"
    return directory.name if above.name == "studies" else directory.name.rsplit("-", 1)[-1]


def long_name(directory: Path) -> str:
    """Returns the name of a run's directory, of a trial or fold with what it is part of."""
    return (
        name_of(directory) if directory.parent.name == "folds" or directory.name.isdigit() else directory.name
    )


def _row(directory: Path) -> dict[str, Any]:
    first, last = first_and_last(directory)
    facts = _facts(directory)
    metric, value, baseline = deciding(facts)
    tags = first.get("tags", {})
    started = pd.Timestamp(first.get("time", 0), unit="ms")
    return {
        "id": name_of(directory),
        "data": tags.get("data", ""),
        "model": tags.get("model", ""),
        "metric": metric,
        "value": value,
        "baseline": baseline,
        "status": status(directory, last),
        "started": started.floor("s"),
        "seconds": round((last.get("time", 0) - first.get("time", 0)) / 1000, 1),
    }


def status(directory: Path, last: dict[str, Any] | None = None) -> str:
    """Returns FINISHED, FAILED, KILLED, RUNNING, or DEAD for a run whose process is gone without a word."""
    last = first_and_last(directory)[1] if last is None else last
    if last.get("kind") == "close":
        return str(last["status"])
    return "RUNNING" if lease.is_alive(directory) else "DEAD"


def deciding(facts: dict[str, Any]) -> tuple[str, float | None, float | None]:
    """Returns name and value of the metric that decides, and the best baseline's value of it.

    The metric that validation watched decides; its test value is shown.
    """
    metrics = facts.get("metrics", {})
    watched = [name for name in facts.get("validation", {}) if name.startswith("val/")]
    names = [f"test/{name.removeprefix('val/')}" for name in watched]
    name = next((one for one in [*names, *metrics] if one in metrics), "")
    first: dict[str, float] = next(iter(facts.get("baselines", {}).values()), {})
    return name, metrics.get(name), first.get(name.removeprefix("test/"))


@dataclass
class Comparison:
    """Two runs side by side.

    Attributes:
        params: settings that differ, one row each.
        metrics: final numbers, one row each.
        warnings: why the numbers may not be comparable.
    """

    params: pd.DataFrame
    metrics: pd.DataFrame
    warnings: list[str]


def compare(first: Path, second: Path) -> Comparison:
    """Compares two runs by their directories."""
    one, two = _whole(first), _whole(second)
    params = pd.DataFrame({first.name: one["params"], second.name: two["params"]}, dtype=object)
    differ = [left != right for left, right in params.itertuples(index=False)]
    metrics = pd.DataFrame({first.name: one["metrics"], second.name: two["metrics"]}, dtype=float)
    warnings = []
    for context in sorted(set(one["data"]) & set(two["data"])):
        if one["data"][context] != two["data"][context]:
            names = " and ".join(
                f"{name} ({digest[:8]})" for name, digest in (one["data"][context], two["data"][context])
            )
            warnings.append(f"the {context} data differ: {names}; their numbers are not comparable")
    warnings += [
        f"{run.name} has not finished: {status(run)}" for run in (first, second) if status(run) != "FINISHED"
    ]
    return Comparison(params[differ], metrics.sort_index(), warnings)


@dataclass(frozen=True)
class Leftover:
    """Something that `prune` would remove."""

    path: Path
    why: str
    size: int


def leftovers(outputs: Path, days: float = 30) -> list[Leftover]:
    """Finds what may go: checkpoints of finished runs and whole failed runs, both older than `days`.

    Running runs, and those of which MLflow has not received everything, are left alone.
    """
    found = []
    for directory in run_directories(outputs):
        first, last = first_and_last(directory)
        old = time.time() - last.get("time", 0) / 1000 > days * 86400
        state = status(directory, last)
        tracked = (directory / STATE).is_file()
        unsent = tracked and State.load(directory).offset < (directory / EVENTS).stat().st_size
        if not old or state == "RUNNING" or unsent:
            continue
        if state == "FINISHED" and (directory / "checkpoints").is_dir():
            found.append(_leftover(directory / "checkpoints", f"checkpoints of a run of {_day(first)}"))
        elif state != "FINISHED":
            found.append(_leftover(directory, f"{state} on {_day(first)}"))
    return [one for one in found if one.size]


def prune(found: list[Leftover]) -> int:
    """Removes what `leftovers` found; returns the bytes that were freed."""
    for one in found:
        shutil.rmtree(one.path)
    return sum(one.size for one in found)


def _leftover(path: Path, why: str) -> Leftover:
    return Leftover(path, why, sum(file.stat().st_size for file in path.rglob("*") if file.is_file()))


def _day(event: dict[str, Any]) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(event.get("time", 0) / 1000))


def _facts(directory: Path) -> dict[str, Any]:
    try:
        return json.loads((directory / "metrics.json").read_text())
    except (FileNotFoundError, ValueError):  # never got that far
        return {}


def _whole(directory: Path) -> dict[str, dict[str, Any]]:
    whole: dict[str, dict[str, Any]] = {"params": {}, "metrics": {}, "data": {}}
    for _, event in read_events(directory):
        if event["kind"] == "params":
            whole["params"] = {**event["values"], **whole["params"]}
        elif event["kind"] == "metrics":
            whole["metrics"].update({n: v for n, v in event["values"].items() if not n.startswith("system/")})
        elif event["kind"] == "input":
            whole["data"][event["context"]] = (event["name"], event["digest"])
    return whole
