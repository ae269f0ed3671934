"""Clips that come as features already: UEA ``.ts`` files, and folders of ``.npy`` arrays."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_lab.data.speech.archive import Archive
from lstm_lab.data.speech.clips import Clip
from lstm_lab.data.speech.reader import BadClip
from lstm_lab.errors import UserError


class SeriesRecordings:
    """Series of features (T, F) in memory.

    Args:
        source: where they were read from.
        clips: what is known of each.
        series: the features of each.
        columns: names of the F features.
    """

    def __init__(
        self, source: str, clips: list[Clip], series: list[Tensor], columns: tuple[str, ...]
    ) -> None:
        self.source, self.clips, self.columns = source, clips, columns
        self.reading: list[Any] = []
        self._series = series

    def load(self, number: int) -> Tensor:
        """Returns (T, F)."""
        one, name = self._series[number], self.clips[number].name
        if not len(one):
            raise BadClip(f"{name}: the series has no step.")
        if one.shape[1] != len(self.columns):
            raise BadClip(
                f"{name}: a step has {one.shape[1]} features, those of the first series {len(self.columns)}."
            )
        if not bool(torch.isfinite(one).all()):
            step = int((~torch.isfinite(one)).any(dim=1).nonzero()[0])
            raise BadClip(f"{name}: step {step + 1} holds a value that is not a number.")
        return one

    def fingerprint(self, number: int) -> str:
        """Of the values."""
        return hashlib.blake2b(self._series[number].numpy().tobytes(), digest_size=16).hexdigest()

    def notes(self) -> list[str]:
        """Nothing is converted."""
        return []


def by_ts(train: Path, test: Path) -> SeriesRecordings:
    """Reads the two files of a UEA data set, whose parts the publisher decided.

    Args:
        train: ``<Name>_TRAIN.ts``.
        test: ``<Name>_TEST.ts``.

    Raises:
        UserError: naming the line that cannot be read.
    """
    clips: list[Clip] = []
    series: list[Tensor] = []
    for path, part in ((train, "train"), (test, "test")):
        for line, one, label in read_ts(path):
            clips.append(Clip(f"{path.name}, line {line}", label=label, part=part))
            series.append(one)
    return SeriesRecordings(str(train.parent), clips, series, _numbered(series))


def read_ts(path: Path) -> list[tuple[int, Tensor, str]]:
    """Reads a ``.ts`` file: header lines begin with @ or #, dimensions are divided by colons, the label comes last.

    Returns:
        For each series the line of the file, its values (T, F), and its label; empty if the header says that there
        is none.

    Raises:
        UserError: naming the line that cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        raise UserError(f"{path}: there is no such file.") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: it is no text, so no .ts file.") from None
    found: list[tuple[int, Tensor, str]] = []
    labelled, inside = True, False
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("@"):
            word, _, rest = text.lower().partition(" ")
            labelled = labelled and not (word in ("@classlabel", "@targetlabel") and rest.startswith("false"))
            inside = inside or word == "@data"
        elif inside:
            found.append(_series(path, number, text, labelled))
    if not found:
        raise UserError(f"{path}: there is no series behind a line '@data'.")
    return found


def _series(path: Path, number: int, text: str, labelled: bool) -> tuple[int, Tensor, str]:
    dimensions = text.split(":")
    label = dimensions.pop().strip() if labelled else ""
    try:
        values = [
            [float("nan") if cell.strip() == "?" else float(cell) for cell in one.split(",")]
            for one in dimensions
        ]
    except ValueError as error:
        raise UserError(f"{path}, line {number}: {str(error).rpartition(': ')[2]} is no number.") from None
    if not values or len({len(one) for one in values}) != 1:
        raise UserError(
            f"{path}, line {number}: dimensions of different lengths: {sorted({len(one) for one in values})}."
        )
    return number, torch.tensor(values, dtype=torch.float32).T.contiguous(), label  # (T, F)


def by_arrays(archive: Archive) -> SeriesRecordings:
    """Reads ``label/name.npy``, each an array (T, F) of one clip; ``train/label/…`` and ``test/label/…`` as well.

    Raises:
        UserError: for a folder without arrays, or a file that is none.
    """
    names = [name for name in archive.names if name.endswith(".npy")]
    if not names:
        raise UserError(f"{archive.path} holds no .npy arrays, {len(archive.names)} other files.")
    clips, series = [], []
    for name in names:
        *folders, _ = PurePosixPath(name).parts
        if not folders:
            raise UserError(f"{archive.named(name)}: it lies in no folder that would be its label.")
        part = folders[0] if folders[0] in ("train", "validation", "test") and len(folders) > 1 else ""
        clips.append(Clip(archive.named(name), label=folders[-1], part=part))
        series.append(read_array(archive.read(name), archive.named(name)))
    return SeriesRecordings(str(archive.path), clips, series, _numbered(series))


def read_array(content: bytes, name: str) -> Tensor:
    """Reads a ``.npy`` file as (T, F) float32; never objects, which could run code.

    Raises:
        UserError: naming the file.
    """
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError):
        raise UserError(f"{name}: it is no .npy array of numbers.") from None
    if array.ndim not in (1, 2) or not np.issubdtype(array.dtype, np.number):
        raise UserError(f"{name}: an array {array.shape} of {array.dtype}; (T, F) numbers are needed.")
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).reshape(len(array), -1)


def _numbered(series: list[Tensor]) -> tuple[str, ...]:
    return tuple(f"x{number + 1}" for number in range(series[0].shape[1]))
