"""What a leaderboard consists of: a run for each model and seed, and which of them have been made before."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from lstm_lab import resuming
from lstm_lab.doors import compose_config, plain_settings
from lstm_lab.paths import outputs_dir
from lstm_lab.rundir import read_status
from lstm_lab.tracking import lease
from lstm_lab.tracking.redaction import redact

# Settings that change nothing of what a run computes.
_IDLE = ("resume", "dry_run", "tracking", "probe", "threads", "allow_targets", "hydra", "search")
_IDLE_FIT = ("save_every",)


@dataclass(frozen=True)
class Entry:
    """One run of a leaderboard.

    Attributes:
        model: the word that chooses it.
        seed: of the run.
        words: of the command line that would train it.
        settings: its whole config.
    """

    model: str
    seed: int
    words: list[str]
    settings: dict[str, Any]


State = Literal["finished", "diverged", "unfinished"]
_STATES: tuple[State, ...] = ("finished", "diverged", "unfinished")


@dataclass(frozen=True)
class Earlier:
    """A run that was made before with the settings of an entry.

    Attributes:
        directory: of the run.
        state: ``finished``; ``diverged``, which it would do again; ``unfinished``, so that it can be gone on with.
    """

    directory: Path
    state: State


def compose_entries(words: Sequence[str], models: Sequence[str], seeds: Sequence[int]) -> list[Entry]:
    """Composes the config of every model with every seed.

    Raises:
        UserError: for the first word that is not right.
    """
    entries = []
    for model in models:
        for seed in seeds:
            own = [*words, f"model={model}", f"seed={seed}"]
            entries.append(Entry(model, seed, own, plain_settings(compose_config(own))))
    return entries


def decisive(settings: dict[str, Any]) -> dict[str, Any]:
    """Returns those settings of a run that decide its numbers, secrets hidden."""
    kept = {key: value for key, value in redact(settings).items() if key not in _IDLE}
    kept["fit"] = {key: value for key, value in kept["fit"].items() if key not in _IDLE_FIT}
    return kept


def is_of(entry: Entry, stored: dict[str, Any]) -> bool:
    """Whether a run with the stored settings is the one that an entry asks for.

    A key that came into the house after that run counts as what it is now, unless the words name it.
    """
    keys = [word.lstrip("+").partition("=")[0].split(".") for word in entry.words]
    if any(not _has(stored, key) for key in keys if _has(entry.settings, key)):
        return False
    now = decisive(entry.settings)
    return bool(resuming.filled(decisive(stored), now) == now)


def _has(settings: Any, key: Sequence[str]) -> bool:
    for part in key:
        if not isinstance(settings, dict) or part not in settings:
            return False
        settings = settings[part]
    return True


def find_earlier(entry: Entry, digest: Callable[[Entry], str]) -> Earlier | None:
    """Looks through all runs for one with the settings of an entry, on the same data.

    Args:
        entry: what is looked for.
        digest: of the data as they are now; only asked where a run was found.
    """
    model, data = entry.settings["model"]["cell"], entry.settings["data"]["name"]
    runs = sorted((outputs_dir() / "runs").glob(f"*-{model}-{data}-*/config.yaml"), reverse=True)
    found: dict[State, Path] = {}
    for path in runs:  # the newest first
        run = path.parent
        if not run.is_symlink() and is_of(entry, yaml.safe_load(path.read_text())):
            state = _state(run)
            if state is None or (state == "finished" and _digest_of(run) != digest(entry)):
                continue
            found.setdefault(state, run)
    for state in _STATES:
        if state in found:
            return Earlier(found[state], state)
    return None


def _state(run: Path) -> State | None:
    ended = read_status(run)
    if ended.get("status") == "FINISHED" and _digest_of(run):
        return "finished"
    if ended.get("status") == "FAILED" and str(ended["reason"]).startswith("DivergedError"):
        return "diverged"
    return "unfinished" if not lease.is_alive(run) and resuming.saved_state(run) else None


def _digest_of(run: Path) -> str:
    path = run / "metrics.json"
    facts = json.loads(path.read_text()) if path.is_file() else {}
    return facts.get("data", {}).get("digest", "") if facts.get("metrics") else ""
