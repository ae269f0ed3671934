"""Making the runs that a leaderboard lacks, each in a fresh process that a nursery forks.

When the leaderboard is killed, the kernel ends its children. What they had saved is gone on with next time.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstm_lab.errors import UserError
from lstm_lab.ranking.entries import Entry
from lstm_lab.rundir import new_path
from lstm_lab.sweeps.nursery import Nursery

_PRELOAD = ["lstm_lab.ranking.one", "lstm_lab.experiment"]


@dataclass(frozen=True)
class Made:
    """How one run ended.

    Attributes:
        entry: what was asked for.
        directory: of the run.
        failure: why there is no result, or an empty string.
    """

    entry: Entry
    directory: Path
    failure: str = ""


def make_runs(
    wanted: Sequence[tuple[Entry, Path | None]],
    home: Path,
    jobs: int,
    environment: Mapping[str, str],
    done: Callable[[Made], None],
) -> None:
    """Makes runs, some at a time, in the order given.

    Args:
        wanted: entries, each with the directory of a run to go on with, or None.
        home: receives what they print.
        jobs: how many run at the same time.
        environment: variables for all of them.
        done: told of each run when it has ended.

    Raises:
        UserError: if a run says that its settings are wrong; the others are ended.
    """
    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    waiting = list(wanted)
    running: dict[str, tuple[Entry, Path, Path]] = {}
    with Nursery(_PRELOAD, None, dict(environment)) as nursery:
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    entry, before = waiting.pop(0)
                    directory = before or new_path(
                        entry.settings["model"]["cell"], entry.settings["data"]["name"]
                    )
                    name = f"{entry.model}-{entry.seed}"
                    answer = logs / f"{name}.json"
                    answer.unlink(missing_ok=True)
                    nursery.start(name, _job(entry, directory, before, answer), logs / f"{name}.log", {})
                    running[name] = (entry, directory, answer)
                for ended in nursery.wait(1.0):
                    done(_outcome(*running.pop(ended.name), ended.status))
        except KeyboardInterrupt:
            _end(nursery, running)
            raise


def _job(entry: Entry, directory: Path, before: Path | None, answer: Path) -> dict[str, Any]:
    settings = {**entry.settings, "resume": str(before) if before else None}
    arguments = {"settings": settings, "words": entry.words}
    arguments |= {"directory": str(directory), "answer": str(answer)}
    return {"call": "lstm_lab.ranking.one:run", "arguments": arguments}


def _outcome(entry: Entry, directory: Path, answer: Path, status: int) -> Made:
    if not answer.is_file():
        how = f"signal {-status}" if status < 0 else f"exit code {status}"
        return Made(entry, directory, f"its process ended without a word ({how})")
    said = json.loads(answer.read_text())
    if said["state"] == "mistake":
        raise UserError(said["reason"])
    return Made(entry, directory, said["reason"])


def _end(nursery: Nursery, running: dict[str, Any]) -> None:
    """Gives runs the time to save where they are."""
    for name in running:
        nursery.signal(name, signal.SIGTERM)
    for _ in range(30):
        for ended in nursery.wait(1.0):
            running.pop(ended.name, None)
        if not running:
            return
