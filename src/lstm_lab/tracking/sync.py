"""Bringing MLflow up to date afterwards: what did not arrive, and runs that died without a word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lstm_lab.errors import UserError
from lstm_lab.tracking import lease, store
from lstm_lab.tracking.events import EVENTS, EventLog, first_and_last, read_events
from lstm_lab.tracking.redaction import HIDDEN, redact_text
from lstm_lab.tracking.shipper import STATE, Shipper, State

_LOCK = ".tracking.lock"


@dataclass(frozen=True)
class Synced:
    """What became of one run.

    Attributes:
        directory: of the run.
        outcome: ``sent``, ``up to date``, ``still running``, ``another sync is at it`` or ``failed: …``.
        run_id: MLflow's id, empty if it has none.
    """

    directory: Path
    outcome: str
    run_id: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing is left to send."""
        return self.outcome in ("sent", "up to date")


def run_directories(outputs: Path) -> list[Path]:
    """All runs below ``outputs/runs``, ``outputs/studies`` and ``outputs/folds``, in the order of their paths."""
    rooms = ("runs", "studies", "folds")
    found = {path.parent for room in rooms for path in (outputs / room).rglob(EVENTS)}
    return sorted(path for path in found if not path.is_symlink())


def sync(directory: Path, outputs: Path, uri: str | None = None) -> Synced:
    """Sends what is missing of one run, each point once.

    Args:
        directory: the run directory.
        outputs: the folder of all results.
        uri: another store than the run's own; the whole run is copied there.

    Raises:
        UserError: if the store needs a password that only the argument or the environment can give.
    """
    if not (directory / EVENTS).is_file():
        raise UserError(f"{directory}: there is no {EVENTS}, so there is nothing to send.")
    if lease.is_alive(directory):
        return Synced(directory, "still running", State.load(directory).run_id)
    target = _target(directory, outputs, uri)
    with store.locked(directory / _LOCK, wait=False) as mine:
        if not mine:
            return Synced(directory, "another sync is at it")
        shipper = Shipper(directory, target, outputs)
        if shipper.remaining() <= 0:
            return Synced(directory, "up to date", shipper.state.run_id)
        try:
            while shipper.step():
                pass
        except (
            Exception
        ) as error:  # the store's own trouble, told but not passed on: the other runs come next
            text = (str(error).strip().splitlines() or [type(error).__name__])[0]
            return Synced(directory, f"failed: {redact_text(text)[:200]}", shipper.state.run_id)
    return Synced(directory, "sent", shipper.state.run_id)


def sync_all(outputs: Path, uri: str | None = None) -> list[Synced]:
    """Sends what is missing of every tracked run, sweeps before their trials."""
    tracked = [one for one in run_directories(outputs) if (one / STATE).is_file()]
    return [sync(one, outputs, uri) for one in sorted(tracked, key=_has_parent)]


def _has_parent(directory: Path) -> bool:
    opening = next((event for _, event in read_events(directory) if event["kind"] == "open"), {})
    return bool(opening.get("parent"))


def _target(directory: Path, outputs: Path, uri: str | None) -> str:
    own = State.load(directory).uri
    if uri or not own:
        return store.resolve_uri(uri, outputs)
    if HIDDEN not in own:
        return own
    # The record holds no credentials; the environment may.
    here = store.resolve_uri(None, outputs)
    if redact_text(here) != own:
        raise UserError(f"{directory}: its store {own} needs a password: give uri=… or MLFLOW_TRACKING_URI.")
    return here


def dead_runs(outputs: Path) -> list[Path]:
    """Runs whose process is gone although they never ended; looks at files only."""
    return [one for one in run_directories(outputs) if lease.read(one) and not lease.is_alive(one)]


def reap(
    outputs: Path, uri: str | None = None, among: Iterable[Path] | None = None
) -> list[tuple[Synced, str]]:
    """Marks dead runs as FAILED with the reason, in their record and in MLflow.

    Args:
        outputs: the folder of all results.
        uri: another store than the runs' own.
        among: these run directories only.

    Returns:
        What became of each, and how it ended. Where the store does not answer, the record knows it already,
        and a later sync tells.
    """
    reaped = []
    for directory in dead_runs(outputs) if among is None else among:
        with store.locked(directory / _LOCK, wait=False) as mine:
            if not mine or lease.read(directory) is None or lease.is_alive(directory):
                continue  # another process has been faster, or the run goes on
            reason = lease.why_dead(directory)
            # It beats every few seconds; what was logged after the last beat counts too. The times of files come from
            # a coarser clock, by which a run may have ended before it began.
            written = (directory / EVENTS).stat().st_mtime_ns // 1_000_000
            logged = first_and_last(directory)[1].get("time", 0)
            last_sign = max(lease.last_seen(directory), written, logged)
            events = EventLog(directory)
            events.append("close", time=last_sign, status="FAILED", reason=reason)
            events.close()
            (directory / lease.LEASE).unlink(missing_ok=True)
        tracked = (directory / STATE).is_file()
        reaped.append((sync(directory, outputs, uri) if tracked else Synced(directory, "up to date"), reason))
    return reaped


def add_artifacts(directory: Path, paths: Iterable[Path], outputs: Path) -> None:
    """Adds files to a run that has ended: to its record, and to its run in MLflow if it has one.

    How it ended stays as it is. Where the store does not answer, a later sync sends them.
    """
    if not (directory / EVENTS).is_file():
        return
    events = EventLog(directory)
    for path in paths:
        events.append("artifact", path=str(path.resolve().relative_to(directory.resolve())), folder="")
    events.close()
    if (directory / STATE).is_file():
        sync(directory, outputs)
