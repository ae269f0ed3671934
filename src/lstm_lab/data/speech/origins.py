"""Where recordings come from, by the word ``data.origin``."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from lstm_lab.data.files import find, places
from lstm_lab.data.speech.archive import Archive
from lstm_lab.data.speech.clips import Recordings
from lstm_lab.data.speech.folder import FileRecordings, by_folder
from lstm_lab.data.speech.made import MadeSounds
from lstm_lab.data.speech.manifest import by_table
from lstm_lab.data.speech.named import NAMED
from lstm_lab.data.speech.reader import Reader
from lstm_lab.data.speech.series import SeriesRecordings, by_arrays, by_ts
from lstm_lab.data.speech.tones import ToneRecordings
from lstm_lab.errors import UserError

ORIGINS = ("folder", "table", "tones", "made", "fsdd", "speech_commands", *NAMED, "ts", "arrays")
#: Origins that are made anew each time, not read.
MADE = ("tones", "made")
#: Origins whose clips are features already.
FEATURES = ("ts", "arrays")

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DIGITS = {str(number): word for number, word in enumerate(_WORDS)}

_FSDD = r"(?P<label>\d)_(?P<speaker>[a-z]+)_\d+\.wav$"
# Speech Commands (Warden 2018, arXiv:1804.03209): the speaker is the hash before "_nohash_".
_COMMANDS = r"^(?P<label>[^/_][^/]*)/(?P<speaker>[0-9a-f]+)_nohash_\d+\.wav$"


def open_recordings(
    origin: str,
    name: str,
    path: str | None,
    folder: str | None,
    pattern: str | None,
    reader: Reader,
    tones: dict[str, Any] | None,
    made: dict[str, Any] | None = None,
) -> Recordings:
    """Finds the clips of a data set.

    Args:
        origin: one of `ORIGINS`.
        name: of the data set, for messages.
        path: the user's file or folder, for ``folder``, ``table``, ``ts`` (the training file) and ``arrays``.
        folder: where named data sets are looked for first.
        pattern: over the names of files, see `by_folder`.
        reader: decodes sound files.
        tones: settings of `ToneRecordings`.
        made: settings of `MadeSounds`.

    Raises:
        UserError: for a path that is missing, or files that do not fit.
    """
    if origin == "tones":
        return ToneRecordings(**(tones or {}), sample_rate=reader.sample_rate)
    if origin == "made":
        return MadeSounds(**(made or {}), sample_rate=reader.sample_rate)
    if origin in NAMED:
        return NAMED[origin](folder, reader)
    if origin == "fsdd":
        return _fsdd(folder, reader)
    if origin == "speech_commands":
        return _speech_commands(folder, reader)
    if path is None:
        kind = {
            "folder": "a folder or zip",
            "table": "a csv",
            "ts": "a _TRAIN.ts file",
            "arrays": "a folder",
        }[origin]
        raise UserError(f"data={name} needs {kind}: data.path=…")
    if origin == "ts":
        return _ts(path, folder)
    if origin == "table":
        return by_table(path, reader, folder)
    return by_arrays(Archive(path)) if origin == "arrays" else by_folder(Archive(path), reader, pattern)


def _fsdd(folder: str | None, reader: Reader) -> FileRecordings:
    """Free Spoken Digit Dataset: recordings 0 to 4 of each digit and speaker are the test, as its publisher says."""
    where = _either("speech/fsdd/recordings.zip", "speech/fsdd/recordings", folder)
    if where is None:
        raise UserError(
            "FSDD was not found. Clone https://github.com/Jakobovski/free-spoken-digit-dataset and name its folder with"
            " data.dir=…"
        )
    found = by_folder(Archive(where), reader, _FSDD)
    take = re.compile(r"_(\d+)\.wav$")
    found.clips = [
        replace(clip, part="test" if int(take.search(clip.name)[1]) < 5 else "train")  # type: ignore[index]
        for clip in found.clips
    ]
    return found


def _speech_commands(folder: str | None, reader: Reader) -> FileRecordings:
    """Speech Commands version 2, with the publisher's two lists; downloaded and unpacked if it is nowhere."""
    lies = _either("speech/speech_commands/validation_list.txt", "speech/validation_list.txt", folder)
    where = lies.parent if lies else _unpacked(find("speech/speech_commands_v0.02.tar.gz", folder))
    lists = {part: _lines(where / f"{part}_list.txt") for part in ("validation", "testing")}

    def part_of(name: str) -> str:
        return (
            "test" if name in lists["testing"] else "validation" if name in lists["validation"] else "train"
        )

    archive = Archive(where)
    archive.names = [name for name in archive.names if not name.startswith("_background_noise_")]
    return by_folder(archive, reader, _COMMANDS, part_of)


def _either(first: str, second: str, folder: str | None) -> Path | None:
    """What lies in the folders of data under one of two names, without asking a network."""
    for name in (first, second):
        parts = Path(name).parts
        for place in places(folder):
            for start in range(len(parts)):
                if (found := place.joinpath(*parts[start:])).exists():
                    return found.resolve()
    return None


def _unpacked(archive: Path) -> Path:
    """Unpacks an archive beside itself, once, and whole or not at all."""
    target = archive.parent / "speech_commands"
    aside = archive.parent / f".speech_commands.{os.getpid()}"
    print(f"unpacking {archive}", file=sys.stderr)
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(aside, filter="data")  # no absolute paths, no links out of the folder
        aside.rename(target)
    except (OSError, tarfile.TarError) as error:
        raise UserError(f"{archive} cannot be unpacked: {error}.") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def _lines(path: Path) -> set[str]:
    try:
        return set(path.read_text().split())
    except OSError:
        raise UserError(f"{path}: the publisher's list is missing.") from None


def _ts(path: str, folder: str | None) -> SeriesRecordings:
    train = Path(path).expanduser()
    train = train if train.is_file() else find(path, folder)
    if not train.name.endswith("_TRAIN.ts"):
        raise UserError(f"{train}: expected a name that ends in _TRAIN.ts, with a _TEST.ts beside it.")
    return by_ts(train, train.with_name(train.name.replace("_TRAIN.ts", "_TEST.ts")))
