"""Who is at work, and is he still alive: what tells a running trial from one whose process was killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Lease:
    """One process, unmistakably: a pid alone comes back after a reboot or in another container."""

    host: str
    boot: str
    pid: int
    started: float

    @classmethod
    def mine(cls) -> Lease:
        """The lease of this process."""
        pid = os.getpid()
        return cls(socket.gethostname(), boot_id(), pid, psutil.Process(pid).create_time())

    @classmethod
    def parse(cls, text: str) -> Lease:
        """Reads what `text` wrote."""
        return cls(**json.loads(text))

    def text(self) -> str:
        """The lease as one line."""
        return json.dumps(asdict(self))

    def name(self) -> str:
        """A short name for people and for keys."""
        return f"{self.host}-{self.pid}-{int(self.started * 100) % 10**8}"

    def is_here(self) -> bool:
        """Tells whether the process was started on this machine, whatever became of it."""
        return self.host == socket.gethostname()

    def is_alive(self) -> bool:
        """Tells whether the process still runs; only for one that `is_here`."""
        if self.boot != boot_id():
            return False
        try:
            process = psutil.Process(self.pid)
            # Rounding differs between kernels' clocks; two processes never share a pid within a second.
            return abs(process.create_time() - self.started) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def end(self, patience: float = 5.0) -> None:
        """Kills the process with its group, if it is here and alive, and waits until it is gone."""
        if not (self.is_here() and self.is_alive()):
            return
        with contextlib.suppress(ProcessLookupError):
            group = os.getpgid(self.pid)
            # A trial leads its own group; anything else (a job of some launcher) is killed alone.
            if group == self.pid:
                os.killpg(group, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)
        until = time.monotonic() + patience
        while self.is_alive() and time.monotonic() < until:
            time.sleep(0.02)


@lru_cache(maxsize=1)
def boot_id() -> str:
    """A word that changes with each start of the machine."""
    linux = Path("/proc/sys/kernel/random/boot_id")
    if linux.exists():
        return linux.read_text().strip()
    return str(int(psutil.boot_time()) // 10)


def write_lease(path: Path) -> None:
    """Writes this process's lease, atomically."""
    aside = path.with_suffix(".tmp")
    aside.write_text(Lease.mine().text())
    aside.replace(path)


def read_lease(path: Path) -> Lease | None:
    """Reads a lease, None if there is none."""
    try:
        return Lease.parse(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
