"""Trials as jobs of one of Hydra's launchers (basic, joblib, submitit), for those who choose one.

A launcher takes a batch and returns when all of it is done, so slots wait for the slowest; what is kept are
the claims, the results, pruning and resume.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from optuna.trial import Trial

from lstm_lab.sweeps.child import is_pruning, numbers
from lstm_lab.sweeps.handle import STOPPED, STORAGE_VARIABLE, TRIAL_VARIABLE
from lstm_lab.sweeps.jobs import checked
from lstm_lab.sweeps.ledger import Ledger, Outcome
from lstm_lab.sweeps.observer import Observers, TrialRecord
from lstm_lab.sweeps.results import write_atomically
from lstm_lab.sweeps.settings import Settings
from lstm_lab.sweeps.storage import shown
from lstm_lab.sweeps.verdict import Verdict


class LauncherSupervisor:
    """Runs the trials of a study through a launcher.

    Args:
        launcher: set up by Hydra.
        directory: of the sweep.
        on_end: see `lstm_lab.sweeps.supervisor.Supervisor`.
    """

    def __init__(
        self,
        ledger: Ledger,
        launcher: Any,
        settings: Settings,
        observers: Observers,
        on_end: Callable[[TrialRecord], None],
        directory: Path,
    ) -> None:
        self._ledger, self._launcher, self._settings = ledger, launcher, settings
        self._observers, self._on_end, self._directory = observers, on_end, directory
        self._verdict = Verdict(settings, ledger)

    @property
    def broken(self) -> str | None:
        """Why the sweep was broken off."""
        return self._verdict.broken

    def run(self) -> None:
        """Works until the study has all its trials or too many have failed."""
        # Jobs inherit it; in their config files it would be written down.
        os.environ[STORAGE_VARIABLE] = json.dumps(self._ledger.address)
        try:
            while not self.broken:
                for record in self._ledger.bury():
                    self._on_end(record)
                self._ledger.beat()
                batch: list[Trial] = []
                while len(batch) < self._settings.n_jobs and (trial := self._ledger.claim()) is not None:
                    batch.append(trial)
                if not batch:
                    return
                for group in _neighbours(batch):
                    self._launch(group)
        finally:
            del os.environ[STORAGE_VARIABLE]

    def _launch(self, trials: list[Trial]) -> None:
        words = []
        for trial in trials:
            overrides = self._ledger.space.suggest(trial)
            directory = self._directory / str(trial.number)
            self._ledger.note(trial, directory, overrides)
            facts = {
                "study": self._ledger.study.study_name,
                "number": trial.number,
                "directory": str(directory),
                "params": dict(trial.params),
                "overrides": overrides,
                "pruner": self._settings.pruner,
            }
            path = self._directory / ".trials" / f"{trial.number}.json"
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, json.dumps(facts, default=str))
            words.append([*overrides, f"hydra.sweep.subdir='{trial.number}'"])
            if shown(self._ledger.address) != self._ledger.address and isinstance(self._ledger.address, str):
                # The job would write Hydra's own overrides down, the password among them.
                words[-1].append("hydra.output_subdir=null")
            words[-1].append(f"+hydra.job.env_set.{TRIAL_VARIABLE}='@{path}'")
            record = TrialRecord(
                trial.number, "RUNNING", dict(trial.params), tuple(overrides), directory=directory
            )
            self._observers.notify("trial_started", record)
        try:
            returns = self._launcher.launch(words, initial_job_idx=trials[0].number)
            outcomes = [self._outcome(trial, one) for trial, one in zip(trials, returns, strict=True)]
        except Exception as error:  # the launcher itself, or a job that did not come back
            reason = f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"
            outcomes = [Outcome("failed", reason=reason) for _ in trials]
        except KeyboardInterrupt:
            for trial in trials:
                self._ledger.close(trial.number, Outcome("interrupted", reason="the sweep was interrupted"))
            raise
        for trial, outcome in zip(trials, outcomes, strict=True):
            record = self._ledger.close(trial.number, outcome)
            self._observers.notify("trial_finished", record)
            self._verdict.hear(record)
            self._on_end(record)

    def _outcome(self, trial: Trial, end: JobReturn) -> Outcome:
        if self._ledger.attribute(trial.number, STOPPED):
            return Outcome("pruned")
        value = end._return_value
        if end.status != JobStatus.COMPLETED:
            if is_pruning(value):
                return Outcome("pruned")
            first = (str(value).strip().splitlines() or [""])[0]
            return Outcome("failed", reason=f"{type(value).__name__}: {first}")
        try:
            return checked(numbers(value), len(self._settings.directions))
        except ValueError as error:
            return Outcome("failed", reason=f"ValueError: {error}")


def _neighbours(trials: list[Trial]) -> list[list[Trial]]:
    """Splits a batch where another worker took a number in between: a launcher counts from its first."""
    groups: list[list[Trial]] = []
    for trial in trials:
        if groups and groups[-1][-1].number + 1 == trial.number:
            groups[-1].append(trial)
        else:
            groups.append([trial])
    return groups
