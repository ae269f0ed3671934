"""How others watch a sweep: a tracker, a dashboard, a test."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrialRecord:
    """A trial as observers and tables see it.

    Attributes:
        state: RUNNING, COMPLETE, PRUNED, FAIL (Optuna's words).
        values: one per objective, empty without a result. A pruned trial has its last reported value.
        reason: why a trial failed, one line.
        seconds: from start to end.
        retried: whether another trial repeats this one because it was killed.
        interval: half width of the 95 % interval of the mean over replicates, per objective.
    """

    number: int
    state: str
    params: dict[str, Any]
    overrides: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    directory: Path | None = None
    reason: str | None = None
    seconds: float | None = None
    retried: bool = False
    retry_of: int | None = None
    replicates: tuple[tuple[float, ...], ...] = ()
    interval: tuple[float, ...] = ()


@dataclass(frozen=True)
class SweepFacts:
    """A sweep as observers see it at its start."""

    study: str
    storage: str  # without its password
    directory: Path
    directions: tuple[str, ...]
    sampler: str
    pruner: str
    n_trials: int | None
    n_jobs: int
    command: str
    space: dict[str, Any] = field(default_factory=dict)


class Observer(Protocol):
    """What an observer may implement; each method is optional.

    An observer that raises is reported once in the log and does not disturb the sweep.
    """

    def sweep_started(self, facts: SweepFacts) -> None:
        """The study is open and checked; trials of earlier starts may be in it."""

    def trial_environment(self, number: int) -> dict[str, str]:
        """Variables for the processes of a trial, such as the id of a parent run."""

    def trial_started(self, record: TrialRecord) -> None:
        """A trial's first process is being started."""

    def trial_finished(self, record: TrialRecord) -> None:
        """A trial has ended, in whatever way; also one that an earlier, killed sweep left behind."""

    def sweep_finished(self, records: Sequence[TrialRecord], directory: Path, ok: bool) -> None:
        """Every result file is written; `ok` is False when the sweep was broken off."""


class Observers:
    """Several observers as one that never raises."""

    def __init__(self, observers: Iterable[Any]) -> None:
        self._observers = list(observers)
        self._reported: set[str] = set()

    def notify(self, event: str, *arguments: Any) -> list[Any]:
        """Calls the method `event` of each observer that has it and returns what they return."""
        answers = []
        for observer in self._observers:
            method = getattr(observer, event, None)
            if method is None:
                continue
            try:
                answers.append(method(*arguments))
            except Exception as error:
                name = f"{type(observer).__name__}.{event}"
                if name not in self._reported:
                    self._reported.add(name)
                    log.warning("%s failed, the sweep goes on: %s: %s", name, type(error).__name__, error)
        return answers
