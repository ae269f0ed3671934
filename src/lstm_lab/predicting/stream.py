"""Reading step by step: what comes through a pipe or out of a file, and after each step a line with the prediction."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any

from lstm_lab.predicting import load

WORDS = {
    "stream": "true: read step by step, a line of prediction after each; of sounds also the seconds of a piece",
    "path": "a file, or - for what comes through a pipe: a row of numbers or a text a line, an empty line before the "
    "next sequence; a recording (through a pipe 16-bit samples, mono); a clip",
}
# Seconds of a piece of a sound, where nobody says.
_PIECE = 0.2


def run(directory: Path, given: dict[str, str]) -> None:
    """Prints a line for each step, as soon as it was read."""
    seconds = _seconds(given["stream"])
    from lstm_lab.errors import UserError
    from lstm_lab.streaming.readers import Pictures, Symbols, Waves
    from lstm_lab.streaming.series import SeriesStream

    stream = load(directory, given).stream()
    where = given.get("path")
    if where is None:
        raise UserError(
            "stream=true reads a file or a pipe: path=new.csv, or path=- . A step is " + stream.sample + "."
        )
    if isinstance(stream, SeriesStream):
        return _series(stream, where)
    reader = stream.reader
    if isinstance(reader, Waves):
        return _sounds(stream, where, seconds)
    if isinstance(reader, Pictures):
        return _pictures(stream, where)
    return _lines(stream, where, isinstance(reader, Symbols))


def _seconds(word: str) -> float:
    from lstm_lab.errors import UserError

    try:
        seconds = _PIECE if word == "true" else float(word)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise UserError(f"stream={word}: true, or for sounds the seconds of a piece, such as 0.2.")
    return seconds


def _opened(where: str) -> IO[str]:
    from lstm_lab.errors import UserError

    if where == "-":
        return sys.stdin
    try:
        return Path(where).expanduser().open(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise UserError(f"{where}: cannot be read: {error.strerror}.") from None


def _cells(line: str) -> list[str]:
    for mark in (",", ";", "\t"):
        if mark in line:
            return [cell.strip() for cell in line.split(mark)]
    return line.split()


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return not cell
    return True


def _lines(stream: Any, where: str, words: bool) -> None:
    """Rows of numbers, or symbols; an empty line begins the next sequence, but in a text that goes on."""
    endless = stream.task.name == "language"
    step = 0
    for line in _opened(where):
        if not line.strip() and not endless:
            stream.reset()
            step = 0
            print(flush=True)
            continue
        samples: Any
        if words:
            samples = stream.reader.pieces(line if endless else line.rstrip("\n"))
        elif not step and not any(map(_is_number, _cells(line))):
            continue  # the names of the columns
        else:
            samples = [_cells(line)]
        for sample in samples:
            step += 1
            _say(str(step), stream.push(sample), sample if words else None)


def _sounds(stream: Any, where: str, seconds: float) -> None:
    rate = stream.reader.rate
    heard, text = 0, ""
    pieces: Iterable[Any] = _piped(rate, seconds) if where == "-" else _recorded(stream, where, seconds)
    for piece in chain(pieces, [None]):
        heard += 0 if piece is None else len(piece)
        found = stream.finish() if piece is None else stream.push(piece)
        if found is not None and "text" in found:
            text += found["text"]
            found = {"text": text}
        _say(f"{heard / rate:.2f} s", found)


def _recorded(stream: Any, where: str, seconds: float) -> list[Any]:
    processor = stream.predictor.processor
    table = processor.table(Path(where).expanduser())
    if len(table) != 1:
        from lstm_lab.errors import UserError

        raise UserError(f"stream=… reads one recording; {where} holds {len(table)}.")
    wave = processor.waves(table)[0]
    size = max(1, round(seconds * stream.reader.rate))
    return list(wave.split(size))


def _piped(rate: int, seconds: float) -> Iterator[Any]:
    """16-bit samples of one channel, as ``arecord -t raw -f S16_LE`` writes them."""
    import numpy as np

    size = 2 * max(1, round(seconds * rate))
    while content := sys.stdin.buffer.read(size):
        yield np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.float32) / 32768


def _pictures(stream: Any, where: str) -> None:
    from lstm_lab.data.video.reading import read_clip
    from lstm_lab.errors import UserError

    if where == "-":
        raise UserError("stream=true reads frames from a clip: path=clip.mp4, or a folder of pictures.")
    frames = read_clip(where, stream.reader.form).frames  # (T, C, H, W)
    for number, frame in enumerate(frames, 1):
        _say(f"frame {number}", stream.push(frame.transpose(1, 2, 0)))


def _series(stream: Any, where: str) -> None:
    """Rows of a csv with the names of its columns in the first line, the clock among them if there is one."""
    from lstm_lab.errors import UserError

    names = stream.processor.names
    columns: list[str] | None = None
    for number, line in enumerate(_opened(where), 1):
        cells = _cells(line)
        if not line.strip():
            continue
        if columns is None and not all(map(_is_number, cells)) and set(names) & set(cells):
            columns = cells
            continue
        if columns is None:  # nobody named them: the series, perhaps a clock before it
            columns = names if len(cells) == len(names) else ["", *names]
        if len(cells) != len(columns):
            raise UserError(
                f"{where}, line {number}: {len(cells)} cells; expected {', '.join(filter(None, columns))}."
            )
        row = {
            n: float(cell) if cell and _is_number(cell) else cell
            for n, cell in zip(columns, cells, strict=True)
        }
        clock = next((name for name in columns if name == stream.processor.time or name not in names), None)
        time = cells[columns.index(clock)] if clock is not None and stream.processor.freq else None
        found = stream.push(row, time)
        _say(time or str(number), found)


def _say(where: str, found: dict[str, Any] | None, sample: Any = None) -> None:
    """One line: where the stream is, what came, what is said."""
    shown = [where] if sample is None else [where, repr(sample)[1:-1]]
    print("\t".join([*shown, *_shown(found or {})]), flush=True)


def _shown(found: dict[str, Any]) -> list[str]:
    if "labels" in found:
        pairs = zip(found["labels"], found["probabilities"], strict=True)
        return [f"{label}\t{chance:.3f}" for label, chance in pairs]
    cells = []
    for name, value in found.items():
        if name in ("probabilities", "frames", "time") or value is None or value == []:
            continue
        values = value if isinstance(value, list) else [value]
        words = [repr(one)[1:-1] if isinstance(one, str) and name == "next" else f"{one:.4g}"
                 if isinstance(one, float) else str(one) for one in values]  # fmt: skip
        marked = name in ("bits", "error", "lower", "upper")
        cells.append(f"{name} {' '.join(words)}" if marked else " ".join(words))
    return cells
