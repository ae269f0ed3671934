"""Recordings of a folder or zip: the label is the name of the folder, or stands in the name of the file."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from torch import Tensor

from lstm_lab.data.speech.archive import Archive
from lstm_lab.data.speech.clips import Clip
from lstm_lab.data.speech.reader import SUFFIXES, Reader, is_sound
from lstm_lab.errors import UserError

# Folders at the top that name a part rather than a label.
_PARTS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
}
_PARTS |= {"dev": "validation", "test": "test", "testing": "test"}


class FileRecordings:
    """Clips that are files of an archive, or stretches of them.

    Args:
        archive: where the files are.
        clips: their names are those of the files.
        reader: decodes them.
        more: notes from finding the clips.
    """

    columns: tuple[str, ...] = ()

    def __init__(
        self, archive: Archive, clips: list[Clip], reader: Reader, more: list[str] | None = None
    ) -> None:
        self.archive, self.clips, self.reader = archive, clips, reader
        self.source = str(archive.path)
        self.reading = [reader.sample_rate, reader.channel, reader.shortest, reader.longest]
        self._more = more or []

    def load(self, number: int) -> Tensor:
        """Returns the wave (N,) of a clip."""
        clip = self.clips[number]
        return self.reader.read(
            self.archive.read(clip.name), self.archive.named(clip.name), clip.start, clip.end
        )

    def fingerprint(self, number: int) -> str:
        """Of the file; stretches of one file share it."""
        return self.archive.fingerprint(self.clips[number].name)

    def notes(self) -> list[str]:
        """What was found and what was converted."""
        return [*self._more, *self.reader.notes()]


def by_folder(
    archive: Archive,
    reader: Reader,
    pattern: str | None = None,
    part_of: Callable[[str], str] | None = None,
) -> FileRecordings:
    """Finds the recordings of a folder: ``label/name.wav``, or ``train/label/name.wav`` and ``test/label/name.wav``.

    Args:
        archive: the folder or zip.
        reader: decodes the files.
        pattern: a regular expression over the path of a file inside the folder, with a group ``label`` and, if
            names say so, ``speaker``; files that it does not fit are an error.
        part_of: the part of a file by its path, where the publisher says so in a list.

    Raises:
        UserError: for a folder without recordings, or a file without a label.
    """
    sounds = [name for name in archive.names if is_sound(name)]
    if not sounds:
        raise UserError(
            f"{archive.path} holds no recordings ({', '.join(one[1:] for one in SUFFIXES)}), {len(archive.names)} other"
            " files."
        )
    clips = [_by_pattern(archive, name, pattern) if pattern else _by_place(archive, name) for name in sounds]
    if part_of is not None:
        clips = [replace(clip, part=part_of(clip.name)) for clip in clips]
    notes = []
    if len(sounds) < len(archive.names):
        others = [name for name in archive.names if not is_sound(name)]
        notes.append(f"{len(others)} files are no recordings and were left out (first: {others[0]})")
    empty = _labels_without_files(archive, {clip.label for clip in clips}) if pattern is None else []
    if empty:
        raise UserError(f"{archive.path}: the label '{empty[0]}' has a folder and no recordings in it.")
    return FileRecordings(archive, clips, reader, notes)


def _by_place(archive: Archive, name: str) -> Clip:
    *folders, _ = PurePosixPath(name).parts
    part = _PARTS.get(folders[0].lower(), "") if len(folders) > 1 else ""
    if not folders[bool(part) :]:
        raise UserError(
            f"{archive.named(name)}: it lies in no folder that would be its label. Expected label/name, or"
            " data.pattern=… with a group (?P<label>…)."
        )
    return Clip(name, label=folders[-1], part=part)


def _by_pattern(archive: Archive, name: str, pattern: str) -> Clip:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UserError(f"data.pattern={pattern}: no regular expression: {error}.") from None
    if "label" not in compiled.groupindex:
        raise UserError(
            f"data.pattern={pattern}: it needs a group (?P<label>…); (?P<speaker>…) is possible too."
        )
    found = compiled.search(name)
    if found is None:
        raise UserError(f"{archive.named(name)}: data.pattern={pattern} does not fit the name of this file.")
    groups = found.groupdict()
    return Clip(name, label=groups["label"], speaker=groups.get("speaker") or "")


def _labels_without_files(archive: Archive, labels: set[str]) -> list[str]:
    """Folders in which there is nothing to hear, in a tree of ``label/name`` or ``part/label/name``."""
    if not archive.path.is_dir():
        return []
    tops = [
        one for one in sorted(archive.path.iterdir()) if one.is_dir() and not one.name.startswith((".", "_"))
    ]
    inner = [
        one for top in tops if top.name.lower() in _PARTS for one in sorted(top.iterdir()) if one.is_dir()
    ]
    folders = [top for top in tops if top.name.lower() not in _PARTS] + inner
    return [one.name for one in folders if one.name not in labels and not any(map(_holds_sound, [one]))]


def _holds_sound(folder: object) -> bool:
    return any(is_sound(one.name) for one in folder.rglob("*"))  # type: ignore[attr-defined]
