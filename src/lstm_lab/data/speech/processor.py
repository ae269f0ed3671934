"""From sound files to batches, and from probabilities and symbols back to labels and transcripts with times."""

from __future__ import annotations

import base64
import binascii
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.labels import label_frame
from lstm_lab.data.speech.archive import Archive
from lstm_lab.data.speech.reader import SUFFIXES, BadClip, Reader, is_sound
from lstm_lab.data.speech.series import read_array, read_ts
from lstm_lab.data.speech.store import Ragged, extract
from lstm_lab.data.speech.symbols import decode
from lstm_lab.errors import UserError
from lstm_lab.features.audio import AudioFeatures


class SpeechProcessor:
    """What lies between a user's files and a net.

    Attributes:
        one_of: columns of which a table needs one: the path of a file, a file in base64, or numbers as JSON.

    Args:
        target: ``class`` or ``transcript``.
        names: classes, or symbols with the blank first.
        inputs: ``features`` where batches hold features, ``wave`` where the net computes them.
        features: settings of `AudioFeatures`; None where files hold features already.
        columns: names of the features, where files hold them.
        reader: ``sample_rate``, ``channel``, ``shortest``, ``longest`` of `Reader`; None where files hold features.
        example: one wave (N,) or series (T, F) of the test part, for signatures.
    """

    one_of = ("path", "audio", "series")

    def __init__(
        self,
        target: str,
        names: list[str],
        inputs: str,
        features: dict[str, Any] | None,
        columns: list[str],
        reader: dict[str, Any] | None,
        example: Tensor,
    ) -> None:
        self.target, self.names, self.inputs, self.columns = target, names, inputs, columns
        self.features, self.reader, self._example = features, reader, example
        self._front = AudioFeatures(**features) if features else None
        self._reader = Reader(**reader) if reader else None

    def to_plain(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "kind": "speech",
            "target": self.target,
            "names": self.names,
            "inputs": self.inputs,
            "features": self.features,
            "columns": self.columns,
            "reader": self.reader,
            "example": self._example,
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> SpeechProcessor:
        """Rebuilds a processor from what `to_plain` gave."""
        return cls(**{key: value for key, value in plain.items() if key != "kind"})

    # -- in ---------------------------------------------------------------------------------------------------

    def table(self, raw: Any) -> pd.DataFrame:
        """Returns a table with a row a clip: ``path`` of a file; or ``audio``, a file in base64; or ``series``.

        Args:
            raw: a file, a folder or zip, a list of files, a wave (N,) at the model's sample rate, or such a table.

        Raises:
            UserError: for a path where nothing is.
        """
        if isinstance(raw, pd.DataFrame):
            return raw
        if raw is None:
            return self.example()
        if isinstance(raw, Tensor):
            return pd.DataFrame({"series": [json.dumps(raw.tolist())]})
        paths = [raw] if isinstance(raw, str | Path) else list(raw)
        files = [one for path in paths for one in self._files(Path(path).expanduser())]
        return pd.DataFrame({"path": [str(one) for one in files]})

    def _files(self, path: Path) -> list[Path | str]:
        if not path.exists():
            raise UserError(f"{path}: there is no such file or folder.")
        if path.is_file() and path.suffix != ".zip":
            if path.suffix == ".ts" and self._reader is None:
                return [f"{path}#{line}" for line, _, _ in read_ts(path)]
            return [path]
        archive = Archive(path)
        wanted = [one for one in archive.names if (is_sound(one) if self._reader else one.endswith(".npy"))]
        if not wanted:
            kinds = ", ".join(one[1:] for one in SUFFIXES) if self._reader else "npy"
            raise UserError(f"{path} holds no clips ({kinds}), {len(archive.names)} other files.")
        return [f"{path}#{one}" if path.suffix == ".zip" else path / one for one in wanted]

    def to_batch(self, table: pd.DataFrame) -> Batch:
        """Reads the clips of a table.

        Raises:
            UserError: naming the row or file and what is wrong with it.
        """
        found = self.waves(table)
        if self._front is not None and self.inputs == "features":
            found = extract([one[:, None] for one in found], self._front)
        elif self._front is not None:
            found = [one[:, None] for one in found]
        inputs, lengths = Ragged.of(found).gather(torch.arange(len(found)))
        return Batch(inputs=inputs, lengths=lengths, keys=torch.arange(len(found)))

    def waves(self, table: pd.DataFrame) -> list[Tensor]:
        """The waves (N,) of a table, or the series (T, F) where files hold features.

        Raises:
            UserError: as `to_batch`.
        """
        kind = next((one for one in self.one_of if one in table), None)
        if kind is None:
            raise UserError(
                f"the table has no column path, audio or series: {', '.join(map(str, table.columns))}."
            )
        if not len(table):
            raise UserError("the table has no rows.")
        load = {"path": self._from_path, "audio": self._from_base64, "series": self._from_numbers}[kind]
        return [load(str(cell), f"row {row + 1}") for row, cell in enumerate(table[kind])]

    def _from_path(self, cell: str, row: str) -> Tensor:
        path, _, inside = cell.partition("#") if not Path(cell).exists() else (cell, "", "")
        if path.endswith(".ts"):
            if self._reader is not None:
                raise UserError(
                    f"{path}: the model hears sound files ({', '.join(s[1:] for s in SUFFIXES)})."
                )
            chosen = [one for line, one, _ in read_ts(Path(path)) if not inside or str(line) == inside]
            return self._checked(chosen[0], cell)
        try:
            content = _archive(path).read(inside) if inside else Path(path).read_bytes()
        except OSError:
            raise UserError(f"{row}: there is no file {path}.") from None
        if self._reader is None:
            return self._checked(read_array(content, cell), cell)
        return self._reader.read(content, cell)

    def _from_base64(self, cell: str, row: str) -> Tensor:
        if self._reader is None:
            raise UserError(f"{row}: the model reads features; give them as 'series'.")
        try:
            content = base64.b64decode(cell, validate=True)
        except (binascii.Error, ValueError):
            raise UserError(f"{row}, column 'audio': it is no file in base64.") from None
        return self._reader.read(content, row)

    def _from_numbers(self, cell: str, row: str) -> Tensor:
        try:
            series = torch.tensor(json.loads(cell), dtype=torch.float32)
        except (ValueError, TypeError):
            raise UserError(f"{row}, column 'series': it is no list of numbers.") from None
        return self._checked(series, row)

    def _checked(self, series: Tensor, name: str) -> Tensor:
        wave = self._reader is not None
        if wave and series.ndim != 1:
            raise UserError(f"{name}: a wave is one list of numbers.")
        if not wave and (series.ndim != 2 or series.shape[1] != len(self.columns)):
            raise UserError(
                f"{name}: steps of {tuple(series.shape[1:])} features; the model reads {len(self.columns)}."
            )
        if not len(series) or not bool(torch.isfinite(series).all()):
            raise BadClip(f"{name}: it is empty, or holds a value that is not a number.")
        return series

    def example(self) -> pd.DataFrame:
        """One clip of the test part."""
        return pd.DataFrame({"series": [json.dumps(self._example.tolist())]})

    # -- out --------------------------------------------------------------------------------------------------

    def finish(self, predictions: dict[str, Tensor]) -> dict[str, Tensor]:
        """Nothing is left to do."""
        return predictions

    @property
    def hop(self) -> float:
        """Seconds of a frame; 1 where features come without a clock, so that times are steps."""
        return float(self.features["hop"]) if self.features else 1.0

    def to_frame(self, predictions: dict[str, Tensor], table: pd.DataFrame) -> pd.DataFrame:
        """Returns labels with their probabilities, or transcripts with the times of words."""
        if self.target == "class":
            frame = label_frame(predictions["probabilities"], self.names)
        else:
            frame = pd.DataFrame(self.transcripts(predictions))
        if "path" in table:
            frame.insert(0, "path", table["path"].to_numpy())
        return frame

    def transcripts(self, predictions: dict[str, Tensor]) -> list[dict[str, Any]]:
        """For each clip ``text``, its ``score`` (log-probability) and ``words`` as [word, start, end] in seconds."""
        rows = []
        for row, count in enumerate(predictions["symbols_lengths"].tolist()):
            numbers = predictions["symbols"][row, :count].tolist()
            spans = (predictions["spans"][row, :count].double() * self.hop).tolist()
            words = _words([self.names[one] for one in numbers], spans, spaced=" " in self.names)
            rows.append(
                {
                    "text": decode(numbers, self.names),
                    "score": float(predictions["score"][row]),
                    "words": json.dumps(words, ensure_ascii=False),
                }
            )
        return rows


@lru_cache(maxsize=2)
def _archive(path: str) -> Archive:
    """Opens a zip once for all of its clips."""
    return Archive(path)


def _words(symbols: list[str], spans: list[list[float]], spaced: bool) -> list[list[Any]]:
    """Joins symbols between spaces, with the times of the first and the last; without spaces each is a word."""
    if not spaced:
        return [
            [one, round(start, 3), round(end, 3)] for one, (start, end) in zip(symbols, spans, strict=True)
        ]
    words: list[list[Any]] = []
    fresh = True
    for symbol, (start, end) in zip(symbols, spans, strict=True):
        if symbol == " ":
            fresh = True
        elif fresh:
            words.append([symbol, round(start, 3), round(end, 3)])
            fresh = False
        else:
            words[-1][0] += symbol
            words[-1][2] = round(end, 3)
    return words
