"""Recordings by a table: a csv with a row a clip."""

from __future__ import annotations

import csv
from pathlib import Path

from lstm_lab.data.speech.archive import Archive
from lstm_lab.data.speech.clips import Clip
from lstm_lab.data.speech.folder import FileRecordings
from lstm_lab.data.speech.reader import Reader
from lstm_lab.errors import UserError, nearest

COLUMNS = ("path", "label", "text", "speaker", "split", "start", "end")
_PARTS = ("train", "validation", "test", "")


def by_table(path: str | Path, reader: Reader, folder: str | Path | None = None) -> FileRecordings:
    """Reads a csv with the column ``path`` and ``label`` or ``text``; and what else is known.

    Args:
        path: the csv. Its ``path`` column is relative to its folder.
        reader: decodes the files.
        folder: where the files are if not beside the csv; a folder or a zip.

    Raises:
        UserError: naming the row and the column.
    """
    path = Path(path).expanduser()
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        raise UserError(f"{path}: there is no such csv.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8 text.") from None
    if not rows:
        raise UserError(f"{path}: the table has no rows.")
    names = [name for name in rows[0] if name]
    for name in names:
        if name not in COLUMNS:
            raise UserError(
                f"{path}: unknown column '{name}'.{nearest(name, COLUMNS)} Known: {', '.join(COLUMNS)}."
            )
    if "path" not in names or not {"label", "text"} & set(names):
        raise UserError(f"{path}: needs the column 'path' and 'label' or 'text'; it has {', '.join(names)}.")
    archive = Archive(folder if folder is not None else path.resolve().parent)
    known = set(archive.names)
    clips = [_clip(path, line, row, archive, known) for line, row in enumerate(rows, 2)]
    return FileRecordings(archive, clips, reader)


def _clip(path: Path, line: int, row: dict[str, str | None], archive: Archive, known: set[str]) -> Clip:
    def cell(name: str) -> str:
        return (row.get(name) or "").strip()

    name, split = cell("path"), cell("split").lower()
    if name not in known:
        raise UserError(f"{path}, row {line}, column 'path': there is no file '{archive.named(name)}'.")
    if split not in _PARTS:
        raise UserError(f"{path}, row {line}, column 'split': '{split}' is none of train, validation, test.")
    start, end = (_seconds(path, line, column, cell(column)) for column in ("start", "end"))
    if end is not None and end <= (start or 0.0):
        raise UserError(
            f"{path}, row {line}: the stretch ends at {end} s, before it begins at {start or 0.0} s."
        )
    return Clip(
        name,
        cell("label"),
        cell("text") if "text" in row else None,
        cell("speaker"),
        split,
        start or 0.0,
        end,
    )


def _seconds(path: Path, line: int, column: str, cell: str) -> float | None:
    if not cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UserError(f"{path}, row {line}, column '{column}': '{cell}' is no time in seconds.")
    return value
