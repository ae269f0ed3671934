"""Joining a sweep that runs already, from another terminal or another machine.

A worker is a second supervisor of the same study: the command that started the sweep, started again in its
directory. Both claim trials under one lock, so a total of n_trials stays the total.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lstm_lab.errors import UserError, nearest


@dataclass(frozen=True)
class Joining:
    """How to join a sweep: the command, and the folder to start it in."""

    command: list[str]
    folder: Path


def join(directory: Path, n_jobs: int | None = None, storage: str | None = None) -> int:
    """Joins a sweep and works until it is over.

    Args:
        directory: of the sweep (``hydra.sweep.dir``), on a file system that both see.
        n_jobs: trials at the same time here; as many as the sweep has, if not given.
        storage: the storage's URL, needed if it has a password: that was not written down.

    Returns:
        the exit code.

    Raises:
        UserError: if there is no sweep in `directory`, or its storage needs a password.
    """
    import subprocess

    joining = how_to_join(directory, n_jobs, storage)
    return subprocess.run(joining.command, cwd=joining.folder).returncode


def how_to_join(directory: Path, n_jobs: int | None = None, storage: str | None = None) -> Joining:
    """Reads from a sweep's directory how to join it; see `join`."""
    path = directory / "study.json"
    if not path.is_file():
        raise UserError(f"study={directory}: there is no sweep in it (no study.json).")
    facts = json.loads(path.read_text())
    folder = Path(facts["folder"])
    # The interpreter of the sweep may lie elsewhere on this machine.
    command = [sys.executable, *facts["command"][1:]]
    own = [
        "hydra.sweep.dir",
        "hydra.sweeper.n_jobs",
        "sweep.n_jobs",
        "hydra.sweeper.storage",
        "sweep.storage",
    ]
    masked = any(":***@" in word for word in command)
    if masked and storage is None:
        raise UserError(
            "The password of the study's storage was not written down: join with storage=<the whole URL>."
        )
    replaced = {own[0], *(own[1:3] if n_jobs is not None else ()), *(own[3:] if storage is not None else ())}
    command = [word for word in command if word.partition("=")[0] not in replaced]
    command.append(f"hydra.sweep.dir={_quoted(str(directory.resolve()))}")
    if n_jobs is not None:
        command.append(f"hydra.sweeper.n_jobs={n_jobs}")
    if storage is not None:
        command.append(f"hydra.sweeper.storage={_quoted(storage)}")
    if not folder.is_dir():
        folder = Path.cwd()
    return Joining(command, folder)


def join_by_words(words: Mapping[str, str], studies: Sequence[Path] = ()) -> int:
    """Joins a sweep by the words of a command line, ``study=…``, ``n_jobs=…``, ``storage=…``.

    Args:
        words: ``study`` is a directory, or the name of one in a folder of `studies`.
        studies: folders that hold the directories of sweeps.
    """
    name = words.get("study", "")
    if not name:
        raise UserError("which sweep? study=, its folder or its name below outputs/studies.")
    candidates = [Path(name).expanduser(), *(folder / name for folder in studies)]
    for directory in candidates:
        if (directory / "study.json").is_file():
            n_jobs = words.get("n_jobs")
            return join(directory, int(n_jobs) if n_jobs else None, words.get("storage"))
    known = [path.parent.name for folder in studies for path in folder.glob("*/study.json")]
    raise UserError(f"study={name}: there is no such sweep.{nearest(name, known)}")


def _quoted(text: str) -> str:
    # Hydra's grammar takes ':' and '=' in a value only within quotes; its own escape is the backslash.
    return (
        "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'" if os.sep in text or ":" in text else text
    )
