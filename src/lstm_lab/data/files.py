"""Where the files of a named data set are: a folder of one's own, the shared folder, or the cache."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from lstm_lab.errors import UserError

VARIABLE = "LSTM_LAB_DATA"


def cache_dir() -> Path:
    """The folder of downloads: ``LSTM_LAB_CACHE``, else the user's cache."""
    named = os.environ.get("LSTM_LAB_CACHE")
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "lstm_lab"


def places(directory: str | Path | None = None) -> list[Path]:
    """The folders that are searched, in order."""
    named = [directory, os.environ.get(VARIABLE)]
    return [*(Path(one).expanduser() for one in named if one), cache_dir()]


def find(relative: str, directory: str | Path | None = None) -> Path:
    """Returns a file or folder of a named data set.

    Args:
        relative: below the folder of data, such as ``text/ptb/ptb.train.txt``; its last parts alone are found too,
            so that a folder may hold one data set only. What lies nowhere is downloaded into the cache, if the
            room's ``registry.py`` has an address and a checksum for it.
        directory: the setting ``data.dir``.

    Raises:
        UserError: naming the places that were searched, or why a download failed.
    """
    parts = Path(relative).parts
    for place in places(directory):
        for start in range(len(parts)):
            candidate = place.joinpath(*parts[start:])
            if candidate.exists():
                return candidate.resolve()
    if (known := _known(relative)) is not None:
        from lstm_lab.data.download import fetch

        return fetch(*known, cache_dir() / relative)
    searched = ", ".join(str(place) for place in places(directory))
    raise UserError(
        f"{relative} was not found below {searched}. Name its folder with data.dir=… or {VARIABLE}=…"
    )


def _known(relative: str) -> tuple[str, str] | None:
    """Address and checksum of a file, by the registry of its room."""
    try:
        registry = importlib.import_module(f"lstm_lab.data.{Path(relative).parts[0]}.registry")
    except ModuleNotFoundError:
        return None
    return registry.FILES.get(relative)
