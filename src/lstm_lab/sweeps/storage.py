"""Where a study lives: a journal file by default, a database by URL.

Three things Optuna leaves to its caller are done here: a journal whose last line was torn is repaired, the
schema of a database is created by one process only, and a password never shows.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna
from hydra.utils import instantiate
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock

from lstm_lab.errors import UserError

Address = str | Mapping[str, Any]


class ProcessLock(BaseJournalFileLock):
    """A lock the kernel gives back when its holder dies, however it dies.

    Optuna's own stays behind after ``kill -9`` and makes the next one wait for 30 s.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        self._file: int | None = None

    def acquire(self) -> bool:
        """Waits for the lock and takes it."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        fcntl.flock(file, fcntl.LOCK_EX)
        self._file = file
        return True

    def release(self) -> None:
        """Gives the lock back."""
        if self._file is not None:
            # Unlocking, not only closing: a process forked in between has the file open too.
            fcntl.flock(self._file, fcntl.LOCK_UN)
            os.close(self._file)
            self._file = None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Holds the lock for a ``with`` block."""
        self.acquire()
        try:
            yield
        finally:
            self.release()


def open_storage(address: Address) -> BaseStorage:
    """Opens the storage behind an address, creating it if need be.

    Args:
        address: path of a journal file (also ``journal:///path``), a database URL, or a config node.

    Raises:
        UserError: if it cannot be opened; the reason holds no password.
    """
    try:
        if isinstance(address, Mapping):
            return instantiate(dict(address), _convert_="all")
        if path := journal_path(address):
            return _open_journal(path)
        with _schema_lock(address):
            return RDBStorage(address, engine_kwargs=_engine_arguments(address))
    except UserError:
        raise
    except Exception as error:
        reason = masked(str(error.__cause__ or error)).strip().splitlines()[0]
        raise UserError(f"The storage {shown(address)} cannot be opened: {reason}") from None


def journal_path(address: Address) -> Path | None:
    """Returns the file of a journal, None if the address is something else."""
    if not isinstance(address, str):
        return None
    if address.startswith("journal:///"):
        return Path(address.removeprefix("journal://"))
    return None if "://" in address else Path(address)


def shown(address: Address) -> str:
    """Returns an address as it may be printed."""
    return masked(address if isinstance(address, str) else json.dumps(dict(address), default=str))


def masked(text: str) -> str:
    """Hides the passwords of every URL in a text."""
    text = re.sub(r"(://[^:/@\s]*):[^\s/]*@", r"\1:***@", text)
    return re.sub(r"([?&](?:password|passwd|sslpassword)=)[^&\s]+", r"\1***", text)


def repair_journal(path: Path) -> bool:
    """Cuts a torn last line off a journal, with a warning; returns whether there was one.

    A process that dies while it appends leaves half a record. The next one would glue its own record to it
    and make the study unreadable for good.
    """
    with _journal_lock(path).held(), path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return False
        file.seek(-1, os.SEEK_END)
        if file.read(1) == b"\n":
            return False
        file.seek(0)
        content = file.read()
        whole = content.rfind(b"\n") + 1
        tail = content[whole:]
        with contextlib.suppress(ValueError):
            if isinstance(json.loads(tail), dict):  # only the line end is missing
                file.write(b"\n")
                return False
        file.truncate(whole)
    warnings.warn(f"{path}: the last record was torn ({len(tail)} bytes) and has been cut off.", stacklevel=2)
    return True


def claim_lock(address: Address, study_name: str) -> contextlib.AbstractContextManager[None]:
    """Returns a lock under which a supervisor counts the trials of a study and claims the next one.

    It spans the processes of one machine, and for PostgreSQL every machine. With other databases shared by
    several machines a sweep may end with one trial too many per machine.
    """
    if path := journal_path(address):
        return ProcessLock(f"{path}.claim").held()
    if isinstance(address, str) and address.startswith("postgresql"):
        return _postgres_lock(address, f"claim/{study_name}")
    return ProcessLock(_lock_file(f"claim/{shown(address)}/{study_name}")).held()


def _open_journal(path: Path) -> JournalStorage:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        repair_journal(path)
    return JournalStorage(JournalFileBackend(str(path), lock_obj=_journal_lock(path)))


def _journal_lock(path: Path) -> ProcessLock:
    return ProcessLock(f"{path}.flock")


def _engine_arguments(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 60}}
    return {"pool_pre_ping": True}  # a connection may have died while a trial was training


def _lock_file(name: str) -> Path:
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"lstm_lab-{os.getuid()}-{digest}.lock"


def _schema_lock(url: str) -> contextlib.AbstractContextManager[None]:
    # Without it, of four processes that open a fresh database at once up to three die.
    if url.startswith("postgresql"):
        return _postgres_lock(url, "schema")
    return ProcessLock(_lock_file(f"schema/{url}")).held()


@contextlib.contextmanager
def _postgres_lock(url: str, name: str) -> Iterator[None]:
    import sqlalchemy

    number = int.from_bytes(hashlib.sha256(f"lstm_lab/{name}".encode()).digest()[:7], "big")
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:n)"), {"n": number})
        try:
            yield
        finally:
            connection.execute(sqlalchemy.text("SELECT pg_advisory_unlock(:n)"), {"n": number})
    engine.dispose()


def quiet_optuna() -> None:
    """Leaves Optuna's warnings, takes its one log line per trial: the sweeper shows its own."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
