"""Who is working in a run directory, and whether they are still alive.

A process killed with -9 cannot say that it has ended. Its lease says which process it was; when that process
is gone, the run is over.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from pathlib import Path

from lstm_lab.errors import UserError

LEASE = "lease.json"
# Seconds between two signs of life.
BEAT = 5.0
# Seconds of silence after which a process that cannot be looked at (another machine) counts as dead.
SILENCE = 180.0
_log = logging.getLogger(__name__)


class Lease:
    """Holds a run directory for this process until `release`.

    Args:
        directory: the run directory.
        beat: seconds between two signs of life.

    Raises:
        UserError: if a living process holds it.
    """

    def __init__(self, directory: Path, beat: float = BEAT) -> None:
        holder = read(directory)
        if holder is not None and is_alive(directory) and holder["pid"] != os.getpid():
            raise UserError(
                f"{directory}: process {holder['pid']} on {holder['host']} is still writing there."
            )
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / LEASE
        aside = self.path.with_suffix(f".{os.getpid()}")
        aside.write_text(json.dumps(_identity(os.getpid())))
        os.replace(aside, self.path)
        self._ended = threading.Event()
        threading.Thread(target=self._keep, args=(beat,), name="lease", daemon=True).start()

    def _keep(self, beat: float) -> None:
        while not self._ended.wait(beat):
            try:
                os.utime(self.path)
            except OSError as error:  # the directory was removed under the run: nothing left to hold
                _log.debug("lease lost: %s", error)
                return

    def release(self) -> None:
        """Gives the directory back."""
        self._ended.set()
        self.path.unlink(missing_ok=True)


def read(directory: Path) -> dict | None:
    """Returns who holds the directory, None if nobody does."""
    try:
        return json.loads((directory / LEASE).read_text())
    except FileNotFoundError:
        return None
    except ValueError:  # torn by a crash of the machine
        return {"pid": 0, "host": "?", "boot": "?", "space": "?", "started": 0.0}


def is_alive(directory: Path) -> bool:
    """Whether the process that holds the directory still runs.

    On the same machine, since the same start of it, the process itself is looked at, so that a suspended
    laptop does not kill its runs. Elsewhere the age of the last sign of life decides.
    """
    holder = read(directory)
    if holder is None:
        return False
    here = _identity(os.getpid())
    if holder["host"] == here["host"]:
        if holder["boot"] != here["boot"]:
            return False
        if holder["space"] == here["space"]:
            return holder["started"] == _started(holder["pid"])
    return time.time() - (directory / LEASE).stat().st_mtime < SILENCE


def last_seen(directory: Path) -> int:
    """When the holder last gave a sign of life, in milliseconds."""
    return (directory / LEASE).stat().st_mtime_ns // 1_000_000


def why_dead(directory: Path) -> str:
    """Says how the run ended, as far as its lease shows."""
    holder = read(directory) or {"pid": "?", "host": "?"}
    seen = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(last_seen(directory) / 1000))
    return f"process {holder['pid']} on {holder['host']} ended without a word (killed?), last seen {seen}"


def _identity(pid: int) -> dict:
    return {
        "pid": pid,
        "host": socket.gethostname(),
        "boot": _boot(),
        "space": _space(),
        "started": _started(pid),
    }


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not Linux
        import psutil

        return str(int(psutil.boot_time()))


def _space() -> str:
    # Containers on one machine count processes apart: the same number is another process.
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _started(pid: int) -> float | None:
    """When the process was started, None if it is gone: numbers of processes are used again."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else round(process.create_time(), 2)
    except psutil.Error:
        return None
