"""The loop that keeps every slot busy: claim, start, wait, write down, again."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optuna.trial import Trial

from lstm_lab.sweeps import jobs
from lstm_lab.sweeps.frozen import Freezer, Frozen
from lstm_lab.sweeps.ledger import Ledger, Outcome
from lstm_lab.sweeps.nursery import Nursery
from lstm_lab.sweeps.observer import Observers, TrialRecord
from lstm_lab.sweeps.results import mean_and_interval
from lstm_lab.sweeps.settings import Settings, devices_by_slot
from lstm_lab.sweeps.task import TaskAddress
from lstm_lab.sweeps.verdict import Verdict

# Between SIGTERM and SIGKILL: enough to write a checkpoint.
GRACE_SECONDS = 10.0
_POLL_SECONDS = 0.5
_BURY_SECONDS = 5.0


@dataclass
class Work:
    """A trial in a slot."""

    trial: Trial
    slot: int
    overrides: list[str]
    frozen: Frozen
    directory: Path
    ranks: int
    started: float
    base: int = 0
    replicate: int = 0
    values: list[tuple[float, ...]] = field(default_factory=list)
    stopped: str | None = None
    kill_at: float | None = None

    @property
    def name(self) -> str:
        """Name of the current job."""
        return f"{self.trial.number}/{self.replicate}"


class Supervisor:
    """Runs the trials of a study in processes of their own.

    Args:
        ledger: the books.
        freezer: makes configs.
        task: the task function's address.
        settings: of the sweep.
        observers: who else wants to know.
        on_end: called after each trial that ended, with its record; writes results, updates the display.
    """

    def __init__(
        self,
        ledger: Ledger,
        freezer: Freezer,
        task: TaskAddress,
        settings: Settings,
        observers: Observers,
        on_end: Callable[[TrialRecord], None],
    ) -> None:
        self._ledger, self._freezer, self._task = ledger, freezer, task
        self._settings, self._observers, self._on_end = settings, observers, on_end
        self._working: dict[str, Work] = {}
        self._free = list(range(settings.n_jobs))
        self._verdict = Verdict(settings, ledger)
        self._buried_at = 0.0

    @property
    def broken(self) -> str | None:
        """Why the sweep was broken off."""
        return self._verdict.broken

    def run(self, nursery: Nursery) -> None:
        """Works until the study has all its trials, or too many have failed (then `broken` says why).

        Raises:
            KeyboardInterrupt: after SIGINT or SIGTERM; running trials have been stopped and queued again.
        """
        self._nursery = nursery
        try:
            with _sigterm_interrupts():
                while True:
                    self._bury()
                    self._fill()
                    self._ledger.beat()
                    if not self._working and (self.broken or self._ledger.is_done()):
                        return
                    for ended in nursery.wait(_POLL_SECONDS):
                        if work := self._working.get(ended.name):
                            self._job_ended(work, ended.status)
                    self._watch_clocks()
        except KeyboardInterrupt:
            self._interrupt()
            raise

    # --- starting ------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        while self._free and not self.broken:
            trial = self._ledger.claim()
            if trial is None:
                return
            try:
                self._start(trial)
            except BaseException as error:
                # The claim must not stay behind as a trial that seems to run.
                self._ledger.close(trial.number, Outcome("failed", reason=_line(error)))
                raise

    def _start(self, trial: Trial) -> None:
        overrides = self._ledger.space.suggest(trial)
        many = self._settings.replicates > 1
        whole = self._freezer.freeze(overrides, trial.number)
        self._ledger.note(trial, whole.directory, overrides)
        base = replicate_base(whole, self._settings.replicate_key) if many else 0
        work = Work(
            trial,
            self._free.pop(0),
            overrides,
            whole,
            whole.directory,
            ranks_of(whole),
            time.monotonic(),
            base,
        )
        whole.directory.mkdir(parents=True, exist_ok=True)
        record = TrialRecord(
            trial.number, "RUNNING", dict(trial.params), tuple(overrides), directory=whole.directory
        )
        self._observers.notify("trial_started", record)
        self._start_job(work)

    def _start_job(self, work: Work) -> None:
        settings = self._settings
        if settings.replicates > 1:
            word = f"{settings.replicate_key}={work.base + work.replicate}"
            work.frozen = self._freezer.freeze(
                [*work.overrides, word], work.trial.number, f"replicates/{work.replicate}"
            )
        job = jobs.prepare(work.frozen, self._task, work.ranks)
        facts = {
            "study": self._ledger.study.study_name,
            "number": work.trial.number,
            "directory": str(work.frozen.directory),
            "params": dict(work.trial.params),
            "overrides": work.frozen.overrides,
            "replicate": work.replicate,
            "previous": self._ledger.previous(work.trial.number),
            "pruner": settings.pruner,
            "reports": settings.replicates == 1,
        }
        devices = devices_by_slot(settings.devices, settings.n_jobs, work.ranks)[work.slot]
        variables = jobs.environment(facts, self._ledger.address, devices)
        for more in self._observers.notify("trial_environment", work.trial.number):
            variables.update(more or {})
        self._working[work.name] = work
        self._nursery.start(work.name, job, work.frozen.directory / "trial.log", variables)

    # --- ending --------------------------------------------------------------------------------------------

    def _job_ended(self, work: Work, status: int) -> None:
        del self._working[work.name]
        jobs.clear(work.frozen.directory)
        if status < 0 or work.stopped:
            self._ledger.repair()
        if work.stopped:
            outcome = Outcome("failed", reason=work.stopped)
        else:
            outcome = jobs.read_outcome(
                work.frozen.directory, status, len(self._settings.directions), work.ranks
            )
        if self._settings.replicates > 1 and outcome.state == "complete":
            outcome_or_none = self._replicate_ended(work, outcome)
            if outcome_or_none is None:
                self._start_job(work)
                return
            outcome = outcome_or_none
        self._finish(work, outcome)

    def _replicate_ended(self, work: Work, outcome: Outcome) -> Outcome | None:
        """Books one replicate; returns the outcome of the trial, None while replicates are missing."""
        work.values.append(outcome.values)
        if len(outcome.values) == 1:
            work.trial.report(outcome.values[0], work.replicate)
            if work.replicate + 1 < self._settings.replicates and work.trial.should_prune():
                return Outcome("pruned", replicates=tuple(work.values))
        work.replicate += 1
        if work.replicate < self._settings.replicates:
            return None
        means, intervals = mean_and_interval(work.values)
        return Outcome("complete", tuple(means), replicates=tuple(work.values), interval=tuple(intervals))

    def _finish(self, work: Work, outcome: Outcome) -> None:
        self._free.append(work.slot)
        self._free.sort()
        record = self._ledger.close(work.trial.number, outcome)
        self._observers.notify("trial_finished", record)
        self._verdict.hear(record)
        self._on_end(record)

    def _bury(self) -> None:
        if time.monotonic() - self._buried_at < _BURY_SECONDS and self._buried_at:
            return
        self._buried_at = time.monotonic()
        for record in self._ledger.bury():
            self._observers.notify("trial_finished", record)
            self._on_end(record)

    # --- clocks and signals --------------------------------------------------------------------------------

    def _watch_clocks(self) -> None:
        now, limit = time.monotonic(), self._settings.trial_timeout
        for work in list(self._working.values()):
            if work.stopped is None and limit is not None and now - work.started > limit:
                work.stopped = f"it took longer than trial_timeout={limit:g} s"
                work.kill_at = now + GRACE_SECONDS
                self._nursery.signal(work.name, signal.SIGTERM)
            elif work.kill_at is not None and now > work.kill_at:
                self._nursery.signal(work.name, signal.SIGKILL)

    def _interrupt(self) -> None:
        for work in self._working.values():
            self._nursery.signal(work.name, signal.SIGTERM)
        until = time.monotonic() + GRACE_SECONDS
        while self._working:
            if time.monotonic() > until:
                for work in self._working.values():
                    self._nursery.signal(work.name, signal.SIGKILL)
            for ended in self._nursery.wait(0.1):
                if (gone := self._working.pop(ended.name, None)) is not None:
                    jobs.clear(gone.frozen.directory)
                    outcome = Outcome("interrupted", reason="the sweep was interrupted")
                    self._observers.notify("trial_finished", self._ledger.close(gone.trial.number, outcome))


def ranks_of(frozen: Frozen) -> int:
    """Returns the processes a trial needs, which may follow from its own config (``${trainer.devices}``)."""
    return max(1, int(frozen.config.hydra.sweeper.ranks or 1))


def replicate_base(frozen: Frozen, key: str) -> int:
    """Returns the first seed of a point: the one its config has."""
    from omegaconf import OmegaConf

    from lstm_lab.errors import UserError

    value = OmegaConf.select(frozen.config, key)
    if not isinstance(value, int):
        raise UserError(
            f"replicates need a whole number under '{key}' (hydra.sweeper.replicate_key), not {value}."
        )
    return value


@contextlib.contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
