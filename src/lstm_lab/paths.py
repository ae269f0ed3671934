"""Where things are: the configs that ship with the package, and the folder that receives every result."""

from __future__ import annotations

import glob
import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]


def _in_checkout() -> bool:
    return (_CHECKOUT / "pyproject.toml").is_file() and (_CHECKOUT / "conf" / "train.yaml").is_file()


def conf_dir() -> Path:
    """The config tree: the checkout's ``conf/``, or the copy inside an installed wheel."""
    return _CHECKOUT / "conf" if _in_checkout() else _PACKAGE / "conf"


def outputs_dir() -> Path:
    """The folder of all results: ``LSTM_LAB_OUTPUTS``, else the checkout's, else the current folder's."""
    if named := os.environ.get("LSTM_LAB_OUTPUTS"):
        return Path(named).expanduser().resolve()
    return (_CHECKOUT if _in_checkout() else Path.cwd()) / "outputs"


def _fold(name: str) -> list[Path]:
    """Where fold 3 of ``4af8db/3`` would lie, if no other folds end in that id."""
    whole, _, part = name.rpartition("/")
    found = list((outputs_dir() / "folds").glob(f"*{glob.escape(whole)}")) if len(whole) > 2 else []
    return [found[0] / "folds" / part] if len(found) == 1 else []


def find_run(name: str, word: str = "run") -> Path:
    """Returns the directory of a run.

    Args:
        name: a directory, the name of one below ``outputs/runs``, the id at its end, or ``latest``; of a sweep or of
            folds its name or id, with ``/3`` for the trial or fold of that number.
        word: the setting that named it, for mistakes.

    Raises:
        UserError: if there is no such run, or an id that is cut too short names several.
    """
    from lstm_lab.errors import UserError, nearest

    runs = outputs_dir() / "runs"
    for candidate in (Path(name).expanduser(), runs / name, outputs_dir() / "studies" / name, *_fold(name)):
        if (candidate / "config.yaml").is_file():
            return candidate.resolve()
    if name == "latest":
        raise UserError(f"{word}=latest: there is no finished run in {runs} yet. Train one first.")
    names = [path.name for path in runs.iterdir() if not path.is_symlink()] if runs.is_dir() else []
    # One or two digits are the end of some id by chance: a person who types them means a trial.
    found = [one for one in names if one.endswith(name) and len(name) > 2]
    if len(found) == 1:
        return runs / found[0]
    if found:
        raise UserError(
            f"{word}={name} fits {len(found)} runs: {', '.join(sorted(found)[:3])} … Say more of it."
        )
    raise UserError(f"{word}={name}: no such run directory.{nearest(name, names)} Runs live in {runs}.")
