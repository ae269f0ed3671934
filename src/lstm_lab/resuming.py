"""Which run to go on with: ``resume=<run>|latest|auto``, and what may be different this time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lstm_lab.errors import UserError
from lstm_lab.paths import find_run, outputs_dir
from lstm_lab.rundir import new_path, read_status
from lstm_lab.sweeps import current_trial
from lstm_lab.tracking import lease
from lstm_lab.tracking.redaction import HIDDEN, redact
from lstm_lab.training.checkpoint import previous, read_newest
from lstm_lab.training.ranks import slurm_job, under_slurm

# What a run that goes on may change: where it runs and how it is looked at, not what it computes.
# Stays although the rest of `trainer` may change: it says how the run learns, not where.
_STAYS = "trainer.accumulate"
_FREE = ("resume", "trainer", "tracking", "threads", "fit.save_every", "allow_targets", "hydra")
_STATE = ("model", "optimizers", "processes", "stage", "step")


def choose(settings: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Decides what this run is; called by the first process, which tells the others.

    Args:
        settings: the composed config as plain data.
        overrides: the words of the command line.

    Returns:
        Plain data: ``settings``, ``overrides``, ``directory`` (not made yet for a new run) and ``resumes``.

    Raises:
        UserError: if the run that ``resume`` names cannot go on, with the reason.
    """
    word = settings.get("resume")
    orders = {"settings": settings, "overrides": list(overrides), "resumes": False}
    if settings["dry_run"]:
        return {**orders, "directory": ""}
    if (trial := current_trial()) is not None:
        return {**orders, "directory": str(trial.directory)}
    model, data = settings["model"]["cell"], settings["data"]["name"]
    if under_slurm():
        # The same job after a requeue finds the same directory, whatever the time is.
        digest = hashlib.sha256(json.dumps(_fixed(settings), sort_keys=True).encode()).hexdigest()[:6]
        stable = outputs_dir() / "runs" / f"slurm-{slurm_job()}-{model}-{data}-{digest}"
        if word in (None, "auto") and read_status(stable).get("status") != "FINISHED":
            if (stable / "config.yaml").is_file() and saved_state(stable) is not None:
                return {**orders, "directory": str(stable), "resumes": True}
            return {**orders, "directory": str(stable)}
    found = _unfinished(settings) if word == "auto" else _named(str(word)) if word else None
    if found is None:
        return {**orders, "directory": str(new_path(model, data))}
    _check(found, f"resume={word}")
    kept = _as_before(found, settings, overrides, f"resume={word}")
    words = [one for one in overrides if not one.startswith("resume=")]
    return {"settings": kept, "overrides": words, "directory": str(found), "resumes": True}


def state_of(directory: Path) -> dict[str, Any]:
    """Reads what a run goes on from."""
    return read_newest(directory / "checkpoints" / "last.ckpt", _STATE)


def _named(word: str) -> Path:
    if word == "latest":
        runs = _runs()
        if not runs:
            raise UserError(f"resume=latest: there is no run in {outputs_dir() / 'runs'} yet.")
        return runs[-1]
    try:
        return find_run(word)
    except UserError as error:
        raise UserError(str(error).replace("run=", "resume=", 1)) from None


def _unfinished(settings: dict[str, Any]) -> Path | None:
    wanted = _fixed(redact(settings))
    found = [
        run
        for run in _runs()
        if read_status(run).get("status") != "FINISHED"
        and not lease.is_alive(run)
        and saved_state(run) is not None
        and _fixed(_config(run)) == wanted
    ]
    if len(found) > 1:
        names = ", ".join(run.name for run in found[-3:])
        raise UserError(
            f"resume=auto: {len(found)} runs with these settings are not finished: {names}. Name one."
        )
    return found[0] if found else None


def _check(run: Path, word: str) -> None:
    if lease.is_alive(run):
        raise UserError(f"{word}: {run} is still running.")
    if read_status(run).get("status") == "FINISHED":
        raise UserError(f"{word}: {run} is finished, there is nothing to go on with.")
    if saved_state(run) is None:
        raise UserError(f"{word}: {run} ended before its state was saved (fit.save_every). Start it anew.")


def _as_before(run: Path, settings: dict[str, Any], overrides: Sequence[str], word: str) -> dict[str, Any]:
    """The settings of the run itself, and what the words of this command line may change in them."""
    kept = filled(_config(run), settings)
    for override in overrides:
        key = override.lstrip("+~").partition("=")[0].partition("@")[0]
        now, then = _at(settings, key), _at(kept, key)
        if key != _STAYS and any(key == free or key.startswith(f"{free}.") for free in _FREE):
            _put(kept, key, now)
        elif now != then or now is None:
            raise UserError(
                f"{word}: {key} was {_short(then)} in that run and stays so; leave {override} out."
            )
    if (before := _at(_config(run), _STAYS)) is not None:
        _put(kept, _STAYS, before)
    return kept


def filled(stored: Any, current: Any) -> Any:
    """Returns stored settings with what was hidden in them, or did not exist then, as it is now."""
    if isinstance(stored, Mapping) and isinstance(current, Mapping):
        # `resume=` alone composes the defaults: their data, optimiser and front end may be others, with other keys.
        kind = "_target_" if "_target_" in stored else "name"
        if stored.get(kind) != current.get(kind):
            current = {key: value for key, value in current.items() if key in stored}
        both = {key: filled(value, current.get(key, value)) for key, value in stored.items()}
        return {**both, **{key: value for key, value in current.items() if key not in stored}}
    return current if isinstance(stored, str) and HIDDEN in stored else stored


def _fixed(settings: Mapping[str, Any]) -> dict[str, Any]:
    kept = json.loads(json.dumps(settings))
    for key in _FREE:
        *rooms, last = key.split(".")
        place = kept
        for room in rooms:
            place = place.get(room, {})
        place.pop(last, None)
    return kept


def _at(settings: Any, key: str) -> Any:
    for part in key.split("."):
        settings = settings.get(part) if isinstance(settings, Mapping) else None
    return settings


def _put(settings: dict[str, Any], key: str, value: Any) -> None:
    *rooms, last = key.split(".")
    for room in rooms:
        settings = settings.setdefault(room, {})
    settings[last] = value


def _short(value: Any) -> str:
    return str(value.get("name", "something else")) if isinstance(value, Mapping) else str(value)


def _runs() -> list[Path]:
    folder = outputs_dir() / "runs"
    configs = [path for path in folder.glob("*/config.yaml") if not path.parent.is_symlink()]
    return [path.parent for path in sorted(configs, key=lambda path: (path.stat().st_mtime_ns, path))]


def _config(run: Path) -> dict[str, Any]:
    return yaml.safe_load((run / "config.yaml").read_text())


def saved_state(run: Path) -> Path | None:
    """Returns the file from which a run could go on, None if it saved none."""
    path = run / "checkpoints" / "last.ckpt"
    return next((one for one in (path, previous(path)) if one.is_file()), None)
