"""The write-ahead record of a run: ``events.jsonl``, one JSON object a line, only ever appended to.

Numbers wait in memory for a second at the most. Written as they come, they would cost 45 microseconds each between
two training steps, whose work has pushed this code out of the processor's cache; in a bunch they cost 10.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EVENTS = "events.jsonl"
# Seconds that numbers wait; what a process killed with -9 loses.
_WINDOW = 1.0
_log = logging.getLogger(__name__)


class EventLog:
    """Appends events to the record of a run, from any thread.

    A full disk costs the events that did not fit and one warning, never the run.

    Args:
        directory: the run directory; it is created if need be.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / EVENTS
        self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._warned = False
        # A line that was cut by a crash ends here, so that the next one starts on its own.
        self._torn = not _ends_whole(self._file)
        self._waiting: deque[tuple[int, int, int | None, dict[str, float]]] = deque()
        self._writing, self._closed = threading.Lock(), threading.Event()
        threading.Thread(target=self._keep_writing, name="events", daemon=True).start()
        atexit.register(self.flush)

    def metrics(self, step: int, values: dict[str, float], epoch: int | None = None) -> None:
        """Takes numbers at a step; NaN and infinities survive. They are on file within a second."""
        self._waiting.append((time.time_ns(), step, epoch, values))

    def append(self, kind: str, **fields: Any) -> None:
        """Writes one event at once, after the numbers that wait.

        Args:
            kind: ``open``, ``params``, ``tags``, ``input``, ``artifact``, ``model`` or ``close``.
            fields: plain data; ``time``, in milliseconds, for what happened earlier than now.
        """
        self.flush()
        with self._writing:
            self._write([_line(time.time_ns(), kind, fields)])

    def flush(self) -> None:
        """Writes the numbers that wait: one system call, no fsync; the file survives the process, not the machine."""
        with self._writing:
            lines = []
            while self._waiting:
                moment, step, epoch, values = self._waiting.popleft()
                lines.append(_line(moment, "metrics", {"step": step, "epoch": epoch, "values": values}))
            if lines:
                self._write(lines)

    def _keep_writing(self) -> None:
        while not self._closed.wait(_WINDOW):
            self.flush()

    def _write(self, lines: list[str]) -> None:
        text = "".join(lines).encode("utf-8", "backslashreplace")
        if self._torn:
            text = b"\n" + text
        try:
            self._torn = os.write(self._file, text) != len(text)
        except OSError as error:
            self._torn = True
            if not self._warned:
                reason = error.strerror
                _log.warning(
                    "%s cannot be written (%s): what is logged from here on is lost.", self.path, reason
                )
            self._warned = True

    def close(self) -> None:
        """Writes what waits and closes the file; further appends are a mistake."""
        if self._closed.is_set():
            return
        self._closed.set()
        self.flush()
        atexit.unregister(self.flush)
        os.close(self._file)


def _line(moment: int, kind: str, fields: dict[str, Any]) -> str:
    event = {"time": moment // 1_000_000, "kind": kind, **fields}
    return json.dumps(event, ensure_ascii=False, default=str) + "\n"


def read_events(directory: Path, offset: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """Reads events from a byte offset on.

    Yields:
        The offset after the event, from which the next reading goes on, and the event. A line without an end,
        still being written or torn by a crash, is left for later; a torn one in the middle is passed over.
    """
    path = directory / EVENTS
    if not path.is_file():
        return
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and "kind" in event:
                yield offset, event


def first_and_last(directory: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the first and the last event without reading what lies between; empty where there is none.

    The end of a run is its last event, whatever a probe has added afterwards.
    """
    first = next((event for _, event in read_events(directory)), {})
    path = directory / EVENTS
    size = path.stat().st_size if path.is_file() else 0
    for window in (1 << 14, size):
        # From the middle of a line on, its rest is no event and is passed over.
        events = [event for _, event in read_events(directory, max(0, size - window))]
        ends = [event for event in events if event["kind"] in ("open", "close")]
        if ends and ends[-1]["kind"] == "close":
            return first, ends[-1]
        # Only artifacts are added later. What comes before them in this window may not reach back to the end.
        if events and (ends or any(event["kind"] != "artifact" for event in events)):
            return first, events[-1]
    return first, events[-1] if events else first


def _ends_whole(file: int) -> bool:
    size = os.fstat(file).st_size
    return size == 0 or os.pread(file, 1, size - 1) == b"\n"
