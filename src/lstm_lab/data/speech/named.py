"""Sets of recordings with a publisher: where the parts, the labels and the groups of their clips stand.

What lies nowhere is downloaded, as `lstm_lab.data.speech.registry` says. Not one of the three was tried with its real
files, for want of a way to them; the tests read small files of the same forms.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from lstm_lab.data.files import find
from lstm_lab.data.speech.archive import Archive
from lstm_lab.data.speech.clips import Clip
from lstm_lab.data.speech.folder import FileRecordings, by_folder
from lstm_lab.data.speech.reader import Reader
from lstm_lab.errors import UserError

# RAVDESS (Livingstone & Russo 2018): modality-channel-emotion-intensity-statement-repetition-actor.
_RAVDESS = r"\d\d-\d\d-(?P<label>\d\d)-\d\d-\d\d-\d\d-(?P<speaker>\d\d)\.wav$"
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
# FMA (Defferrard et al. 2017) calls its parts so.
_FMA_PARTS = {"training": "train", "validation": "validation", "test": "test"}
# Seconds of an FMA clip of thirty that are read: enough for a genre, a third of the memory.
_FMA_STRETCH = (10.0, 20.0)


def ravdess(folder: str | None, reader: Reader) -> FileRecordings:
    """1,440 sentences of 24 actors in eight emotions; the label and the actor stand in the name of the file."""
    found = by_folder(Archive(find("speech/Audio_Speech_Actors_01-24.zip", folder)), reader, _RAVDESS)
    found.clips = [replace(clip, label=EMOTIONS[int(clip.label) - 1]) for clip in found.clips]
    return found


def esc50(folder: str | None, reader: Reader) -> FileRecordings:
    """2,000 sounds of 50 kinds (Piczak 2015) by the publisher's csv.

    Its five folds take the place of speakers: clips of one source recording never stand in two of them.
    """
    archive = Archive(find("speech/ESC-50-master.zip", folder))
    meta, rows = _table(archive, "meta/esc50.csv")
    where = meta.removesuffix("meta/esc50.csv") + "audio/"
    clips = [
        Clip(where + row["filename"], label=row["category"], speaker=f"fold {row['fold']}") for row in rows
    ]
    return FileRecordings(archive, _present(archive, clips), reader)


def fma_small(folder: str | None, reader: Reader) -> FileRecordings:
    """8,000 clips of eight genres (Defferrard et al. 2017), with the publisher's parts; no artist stands in two."""
    archive = Archive(find("speech/fma_small.zip", folder))
    about = Archive(find("speech/fma_metadata.zip", folder))
    name = _named(about, "tracks.csv")
    lines = csv.reader(io.StringIO(about.read(name).decode("utf-8")))
    columns = list(
        zip(next(lines), next(lines), strict=True)
    )  # two lines of header, and a third that names the key
    next(lines)
    place = {pair: number for number, pair in enumerate(columns)}
    genre, part, subset, artist = (
        place[pair]
        for pair in (("track", "genre_top"), ("set", "split"), ("set", "subset"), ("artist", "id"))
    )
    tracks = {int(row[0]): row for row in lines if row[subset] == "small"}
    clips = []
    for sound in archive.names:
        number = PurePosixPath(sound).stem
        row = tracks.get(int(number)) if sound.endswith(".mp3") and number.isdigit() else None
        if row is not None:
            own = (row[genre], None, f"artist {row[artist]}", _FMA_PARTS[row[part]])
            clips.append(Clip(sound, *own, *_FMA_STRETCH))
    if not clips:
        raise UserError(f"{archive.path}: it holds none of the tracks of {about.named(name)}.")
    return FileRecordings(archive, clips, reader)


NAMED: dict[str, Callable[[str | None, Reader], FileRecordings]] = {
    "ravdess": ravdess,
    "esc50": esc50,
    "fma_small": fma_small,
}
"""By the word ``data.origin``: finds the clips, given ``data.dir`` and what decodes files."""


def _named(archive: Archive, ending: str) -> str:
    """The file of an archive whose path ends so, in whatever folder it lies."""
    for name in archive.names:
        if name == ending or name.endswith(f"/{ending}"):
            return name
    raise UserError(f"{archive.path}: there is no {ending} in it.")


def _table(archive: Archive, ending: str) -> tuple[str, list[dict[str, str]]]:
    name = _named(archive, ending)
    return name, list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))))


def _present(archive: Archive, clips: list[Clip]) -> list[Clip]:
    known = set(archive.names)
    missing = next((clip.name for clip in clips if clip.name not in known), None)
    if missing is not None:
        raise UserError(f"{archive.path}: its table names {Path(missing).name}, which is not there.")
    return clips
