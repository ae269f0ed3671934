"""Which clips there are: a folder with one folder a class, a zip laid out like it, or a table of files."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lstm_lab.data.grouping import group_names
from lstm_lab.data.video.reading import ARRAYS, PICTURES, VIDEOS, natural
from lstm_lab.errors import UserError

PARTS = {"train": "train", "training": "train", "val": "validation", "valid": "validation",
         "validation": "validation", "test": "test"}  # fmt: skip
_FILES = ("file", "path", "clip", "video", "filename")
_LABELS = ("label", "class", "category")
_GROUPS = ("group", "source_group", "source", "subject", "person")
_SPLITS = ("split", "part", "subset")


@dataclass(frozen=True)
class Listed:
    """A clip that has not been opened.

    Attributes:
        name: below the folder of the data, with slashes.
        where: what `lstm_lab.data.video.reading.read_clip` opens.
        label: its class.
        group: clips of one group show the same source and never part; empty where nothing is known.
        part: ``train``, ``validation`` or ``test`` where somebody has said so, else empty.
    """

    name: str
    where: str
    label: str = ""
    group: str = ""
    part: str = ""


def list_clips(
    path: str | Path, manifest: str | Path | None = None, group: str | None = None
) -> list[Listed]:
    """Lists clips.

    Args:
        path: a folder or a zip with ``class/clip`` or ``train/class/clip``, a clip being a video file, an array or a
            folder of pictures (or, of keypoints, of arrays).
        manifest: a csv that names the files (below `path`), their labels, and perhaps group and split.
        group: a rule that finds the source of a clip in its name, see `lstm_lab.data.grouping.group_names`, such as
            ``_g(\\d+)_``.

    Raises:
        UserError: if there is nothing, or the table does not fit.
    """
    root = Path(path).expanduser()
    if not root.exists():
        raise UserError(f"data.path={path}: there is no such file or folder.")
    zipped = root.is_file() and zipfile.is_zipfile(root)
    if not zipped and not root.is_dir():
        raise UserError(f"data.path={path}: neither a folder nor a zip.")
    clips = _from_table(Path(manifest).expanduser(), root, zipped) if manifest else _from_names(root, zipped)
    if group is not None:
        named = group_names([clip.name for clip in clips], group)
        clips = [replace(clip, group=one) for clip, one in zip(clips, named, strict=True)]
    return clips


def _from_names(root: Path, zipped: bool) -> list[Listed]:
    """Clips by their place: the folder above is the class, one above that may be the part."""
    if zipped:
        with zipfile.ZipFile(root) as archive:
            names = [name for name in archive.namelist() if Path(name).suffix.lower() in VIDEOS + ARRAYS]
        found = [(name, f"{root}!{name}") for name in names]
    else:
        found = [(str(one.relative_to(root)), str(one)) for one in _walk(root)]
    clips = []
    for name, where in sorted(found, key=lambda pair: [natural(Path(part)) for part in pair[0].split("/")]):
        above = name.split("/")[:-1]
        part = PARTS.get(above[0].lower(), "") if len(above) > 1 else ""
        clips.append(Listed(name, where, above[-1] if above else "", "", part))
    # Beside the folders of the classes lies what belongs to none; without such folders no clip has a class.
    clips = [clip for clip in clips if clip.label] or clips
    if not clips:
        raise UserError(f"{root}: no clips found; expected class/clip with one of {' '.join(VIDEOS + ARRAYS)}, or "
                        "class/clip/ with a picture for each frame.")  # fmt: skip
    return clips


def _walk(folder: Path) -> Iterable[Path]:
    """Clips below a folder. A folder that holds pictures, or arrays named by number, is a clip itself."""
    for one in sorted(folder.iterdir(), key=natural):
        if one.is_dir():
            inside = [file for file in one.iterdir() if file.is_file()]
            if any(file.suffix.lower() in PICTURES or _numbered(file) for file in inside):
                yield one
            else:
                yield from _walk(one)
        elif one.suffix.lower() in VIDEOS + ARRAYS:
            yield one


def _numbered(file: Path) -> bool:
    return file.suffix.lower() == ".npy" and file.stem.isdigit()


def _from_table(manifest: Path, root: Path, zipped: bool) -> list[Listed]:
    try:
        with manifest.open(newline="", encoding="utf-8-sig") as opened:
            rows = list(csv.DictReader(opened))
    except OSError as error:
        raise UserError(f"data.manifest={manifest}: cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"data.manifest={manifest}: not a csv ({error}).") from None
    if not rows:
        raise UserError(f"data.manifest={manifest}: has no rows.")
    columns = {str(name).lower(): str(name) for name in rows[0]}
    chosen = [
        next((columns[one] for one in names if one in columns), "")
        for names in (_FILES, _LABELS, _GROUPS, _SPLITS)
    ]
    if not chosen[0]:
        raise UserError(f"data.manifest={manifest}: no column of files; expected one of {', '.join(_FILES)}.")
    clips = []
    for number, row in enumerate(rows, 2):
        name, label, group, part = (row[column] or "" if column else "" for column in chosen)
        if part and part.lower() not in PARTS:
            raise UserError(f"{manifest}, line {number}: split {part} is not one of {', '.join(PARTS)}.")
        where = f"{root}!{name}" if zipped else str(root / name)
        clips.append(Listed(name, where, label, group, PARTS[part.lower()] if part else ""))
    return clips


def clips_below(place: str | Path) -> list[str]:
    """Returns a clip itself, or the clips in a folder, with a zip those inside.

    Raises:
        UserError: if there is nothing.
    """
    text = str(place)
    if text.startswith("data:") or "!" in text:
        return [text]
    path = Path(text).expanduser()
    if not path.exists():
        raise UserError(f"{place}: there is no such file or folder.")
    if path.is_file():
        return (
            [clip.where for clip in _from_names(path, True)]
            if zipfile.is_zipfile(path) and path.suffix == ".zip"
            else [str(path)]
        )
    if any(file.suffix.lower() in PICTURES or _numbered(file) for file in path.iterdir()):
        return [str(path)]
    found = [str(one) for one in _walk(path)]
    if not found:
        raise UserError(
            f"{place}: no clips in this folder ({' '.join(VIDEOS + ARRAYS)}, or folders of pictures)."
        )
    return found
