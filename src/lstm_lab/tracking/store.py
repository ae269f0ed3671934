"""Where runs are tracked: which store, its schema, its artifact root. Everything here is about the place."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lstm_lab.errors import UserError, check_choice

if TYPE_CHECKING:
    from mlflow import MlflowClient

OFF = "off"
_SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")
# What MLflow does unless told otherwise: call home, wait four minutes for a dead server, ask pip over the
# network for versions, fetch a price list of language models.
_HABITS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",
    "MLFLOW_MODEL_CATALOG_URI": "",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


def resolve_uri(uri: str | None, outputs: Path) -> str:
    """Returns the tracking URI that counts: the argument, ``MLFLOW_TRACKING_URI``, or SQLite under `outputs`.

    Raises:
        UserError: for a kind of store that MLflow no longer writes to, or that nobody knows.
    """
    named = uri or os.environ.get("MLFLOW_TRACKING_URI")
    if not named:
        return f"sqlite:///{(outputs / 'mlflow.db').resolve()}"
    if named == OFF:
        return OFF
    scheme = named.partition(":")[0].partition("+")[0] if ":" in named else named
    if scheme == "file" or "/" in scheme or Path(named).is_dir():
        raise UserError(
            f"tracking.uri={named}: MLflow no longer writes to folders of files. "
            f"Allowed: sqlite:///{named.removeprefix('file:')}/mlflow.db, http://host:port, postgresql://…"
        )
    check_choice("The scheme of tracking.uri", scheme, _SCHEMES)
    if scheme == "sqlite":
        return f"sqlite:///{Path(named.removeprefix('sqlite:///')).expanduser().resolve()}"
    return named


def artifact_root(outputs: Path) -> Path:
    """The one folder of artifacts of a local store, whatever the working directory."""
    return (outputs / "artifacts").resolve()


def prepare() -> None:
    """Imports mlflow, with its habits set for a program that must neither chat, call home nor hang."""
    for name, value in _HABITS.items():
        os.environ.setdefault(name, value)
    import mlflow.entities  # noqa: F401
    from mlflow import MlflowClient  # noqa: F401

    for name in ("mlflow.utils.requirements_utils", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # What a database refuses is told by who asked, in one line and without a traceback.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def is_server(uri: str) -> bool:
    """Whether the store is a tracking server, not a database that MLflow opens in this process."""
    return uri.startswith(("http", "databricks"))


def database_file(uri: str) -> Path | None:
    """The file of an SQLite store, None for any other store."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def connect(uri: str, outputs: Path) -> MlflowClient:
    """Returns a client of the store; a database gets its schema first, once, under a file lock.

    MLflow creates the schema without a lock: of four processes that start together on a fresh database,
    three die.
    """
    prepare()
    from mlflow import MlflowClient

    if not is_server(uri):
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        root, database = artifact_root(outputs).as_uri(), database_file(uri)
        with locked((database.parent if database else outputs) / ".mlflow.lock"):
            if database is not None and not database.exists():
                _create(database, root)
            # Opened here first with our root, or its default experiment would get one in the working directory.
            SqlAlchemyStore(uri, root)
    return MlflowClient(uri)


def _create(database: Path, root: str) -> None:
    """Makes a database aside, where nothing needs to be safe yet, and moves it into its place.

    MLflow goes through all its past schemas, in dozens of transactions that each wait for the disk several
    times: 5 seconds on a laptop's, a minute on a slow one. This waits for it once.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    aside = database.with_name(f".{database.name}.new")
    aside.unlink(missing_ok=True)  # of a process that was killed here

    def hurry(connection: object, _: object) -> None:
        if isinstance(connection, sqlite3.Connection) and _file_of(connection) == aside:
            connection.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;")

    event.listen(Engine, "connect", hurry)
    try:
        SqlAlchemyStore(f"sqlite:///{aside}", root).engine.dispose()
    finally:
        event.remove(Engine, "connect", hurry)
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(aside, database)


def _file_of(connection: sqlite3.Connection) -> Path:
    return Path(connection.execute("PRAGMA database_list").fetchone()[2])


def experiment_id(client: MlflowClient, name: str, uri: str, outputs: Path) -> str:
    """Returns the id of an experiment, which is created if it is not there."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    if found is not None:
        return found.experiment_id
    # A server keeps artifacts in a place of its own.
    folder = artifact_root(outputs) / (re.sub(r"[^\w.\-]+", "_", name) or "_")
    try:
        place = None if is_server(uri) else folder.as_uri()
        # Or the pages greet with what MLflow offers for language models.
        return client.create_experiment(name, place, {"mlflow.experimentKind": "custom_model_development"})
    except MlflowException as error:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise error
        return found.experiment_id  # another process was faster


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[bool]:
    """Holds a lock file, which the system gives back when the process dies.

    Args:
        path: the lock file; it stays behind, empty.
        wait: whether to wait for another holder; otherwise yields False if there is one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
