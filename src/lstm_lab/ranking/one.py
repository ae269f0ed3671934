"""One run of a leaderboard, in a process of its own: what it gave, and what it took."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from lstm_lab.errors import DivergedError, UserError

RESOURCES = "resources.json"


def run(settings: dict[str, Any], words: list[str], directory: str, answer: str) -> None:
    """Runs one experiment and writes down how it ended.

    Args:
        settings: its whole config; with ``resume`` in it the run in `directory` goes on.
        words: of the command line, for the record.
        directory: of the run.
        answer: file that receives ``state`` (``finished``, ``failed``, or ``mistake`` for the user's) and ``reason``.
    """
    from lstm_lab import experiment

    started = time.monotonic()
    try:
        experiment.join(settings, words, Path(directory))
        said = {"state": "finished", "reason": ""}
    except UserError as mistake:
        said = {"state": "mistake", "reason": str(mistake)}
    except DivergedError as end:
        said = {"state": "failed", "reason": str(end)}
    except Exception as error:
        traceback.print_exc()
        said = {"state": "failed", "reason": f"{type(error).__name__}: {error}"}
    if said["state"] == "finished":
        taken = {
            "peak_memory": peak_memory(),
            "seconds": round(time.monotonic() - started, 2),
            "resumed": bool(settings.get("resume")),
            "parameters": count_parameters(Path(directory)),
        }
        _write(Path(directory) / RESOURCES, taken)
    _write(Path(answer), said)


def peak_memory() -> int:
    """Returns the most bytes that this process has held: of the GPU where one was used, else of the machine."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return int(torch.cuda.max_memory_allocated())
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def count_parameters(directory: Path) -> float:
    """Returns how many numbers of a run's best checkpoint were trained, those of all members of an ensemble.

    NaN for a checkpoint that another version wrote, or that has been removed.
    """
    from lstm_lab.predictor import load

    try:
        return float(sum(one.numel() for one in load(directory).model.parameters()))
    except UserError:
        return float("nan")


def _write(path: Path, content: dict[str, Any]) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(json.dumps(content))
    os.replace(aside, path)
