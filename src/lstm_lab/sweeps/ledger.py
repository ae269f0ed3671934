"""The books of a study: who claims a trial, how it ended, who is dead, what is still to do."""

from __future__ import annotations

import contextlib
import json
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from lstm_lab.sweeps.lease import Lease, read_lease
from lstm_lab.sweeps.observer import TrialRecord
from lstm_lab.sweeps.space import Space
from lstm_lab.sweeps.storage import Address, claim_lock, journal_path, repair_journal

PREFIX = "lstm_lab:"
_OWNER, _RETRIED, _RETRY_OF, _ATTEMPT = (
    PREFIX + name for name in ("owner", "retried", "retry_of", "attempt")
)
_REASON, _DIRECTORY, _OVERRIDES, _POINT = (
    PREFIX + name for name in ("reason", "directory", "overrides", "point")
)
_REPLICATES, _INTERVAL = PREFIX + "replicates", PREFIX + "interval"
_BEAT = PREFIX + "beat:"

# A supervisor on another machine counts as dead when it was not heard of for so long; see `Ledger.beat`.
BEAT_SECONDS = 20.0
SILENCE_SECONDS = 120.0
# Between taking a waiting trial and signing it a supervisor of our own needs milliseconds.
_UNSIGNED_SECONDS = 10.0


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        state: ``complete``, ``pruned``, ``failed``, or ``killed`` (by a signal, worth another try).
        values: one number per objective, for a complete trial.
        reason: one line, for the others.
    """

    state: str
    values: tuple[float, ...] = ()
    reason: str | None = None
    replicates: tuple[tuple[float, ...], ...] = field(default=())
    interval: tuple[float, ...] = ()


class Ledger:
    """One supervisor's view of a study.

    Args:
        study: the study, opened with its sampler.
        address: its storage, for the lock.
        space: the checked space.
        n_trials: trials in total; None when the sampler knows when to stop.
        enumerated: whether all points stand in the queue already, so that no others are drawn.
        max_retries: times a killed trial is repeated.
    """

    def __init__(
        self,
        study: optuna.Study,
        address: Address,
        space: Space,
        n_trials: int | None,
        enumerated: bool,
        max_retries: int,
    ) -> None:
        self.study = study
        self.space = space
        self.n_trials = n_trials
        self.exhausted = False
        self.address = address
        self.is_enumerated = enumerated
        self._max_retries = max_retries
        self._me = Lease.mine()
        self._last_beat = 0.0

    # --- claiming ------------------------------------------------------------------------------------------

    def claim(self) -> Trial | None:
        """Takes the next trial: a waiting one, or a new one if the total allows it; None if there is none."""
        with claim_lock(self.address, self.study.study_name):
            trials = self._trials()
            if self.exhausted or not self._is_room(trials):
                return None
            trial_id = self.study._pop_waiting_trial_id()
            if trial_id is not None:
                self.study._storage.set_trial_user_attr(trial_id, _OWNER, self._me.text())
            elif self.is_enumerated:
                return None
            else:
                # `study.ask` would leave a moment in which a trial runs and nobody's name stands on it.
                template = create_trial(state=TrialState.RUNNING, user_attrs=self._signed(self.space.fixed))
                trial_id = self.study._storage.create_new_trial(self.study._study_id, template)
        self.study._thread_local.cached_all_trials = None
        return Trial(self.study, trial_id)

    def note(self, trial: Trial, directory: Path, overrides: Sequence[str]) -> None:
        """Writes down where a claimed trial works and with which overrides."""
        trial.set_user_attr(_DIRECTORY, str(directory))
        trial.set_user_attr(_OVERRIDES, list(overrides))

    def is_done(self) -> bool:
        """Tells whether nothing is left to start and nothing runs, here or elsewhere."""
        trials = self._trials()
        if any(trial.state == TrialState.RUNNING for trial in trials):
            return False
        waiting = any(trial.state == TrialState.WAITING for trial in trials)
        if waiting and self._is_room(trials):
            return False
        return self.exhausted or self.is_enumerated or not self._is_room(trials)

    def _is_room(self, trials: Sequence[FrozenTrial]) -> bool:
        return self.n_trials is None or _claimed(trials) < self.n_trials

    def _signed(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        return {**attributes, _OWNER: self._me.text()}

    # --- ending --------------------------------------------------------------------------------------------

    def close(self, number: int, outcome: Outcome) -> TrialRecord:
        """Writes down how a trial of ours ended; a killed one is put back into the queue."""
        trial = self._trial(number)
        if trial.state.is_finished():  # another supervisor took us for dead
            return record_of(trial)
        attributes = {_REASON: outcome.reason, _INTERVAL: outcome.interval, _REPLICATES: outcome.replicates}
        for key, value in attributes.items():
            if value:
                self._set(trial, key, value)
        if outcome.state == "killed":
            self._retry(trial, count=True)
        elif outcome.state == "interrupted":
            self._retry(trial, count=False)
        states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED}
        state = states.get(outcome.state, TrialState.FAIL)
        self._tell(number, state, outcome.values if state == TrialState.COMPLETE else None)
        return record_of(self._trial(number))

    def _tell(self, number: int, state: TrialState, values: Sequence[float] | None) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                self.study.tell(number, values=values, state=state)
        except RuntimeError as error:
            # How grid-like samplers say that every point is taken; the trial itself has been told by then.
            if "Study.stop" not in str(error):
                raise
            self.exhausted = True

    def _retry(self, trial: FrozenTrial, count: bool) -> None:
        """Queues a killed trial's point again. Each step may be the last before we are killed ourselves."""
        attempt = int(trial.user_attrs.get(_ATTEMPT, 0)) + (1 if count else 0)
        if attempt > self._max_retries:
            return
        self._set(trial, _RETRIED, True)
        if any(one.user_attrs.get(_RETRY_OF) == trial.number for one in self._trials()):
            return
        kept = {key: value for key, value in trial.user_attrs.items() if not key.startswith(PREFIX)}
        if _POINT in trial.user_attrs:
            kept[_POINT] = trial.user_attrs[_POINT]
        attributes = {**kept, _RETRY_OF: trial.number, _ATTEMPT: attempt}
        # A trial killed before its parameters were drawn leaves an empty point: drawn anew.
        self.study.enqueue_trial(dict(trial.params) or _queued(trial), user_attrs=attributes)

    # --- the dead ------------------------------------------------------------------------------------------

    def beat(self) -> None:
        """Says that this supervisor lives, for supervisors on other machines."""
        if time.monotonic() - self._last_beat >= BEAT_SECONDS or not self._last_beat:
            self._last_beat = time.monotonic()
            self.study.set_user_attr(_BEAT + self._me.name(), time.time())

    def bury(self) -> list[TrialRecord]:
        """Ends trials whose supervisor is dead; returns them.

        A child that outlived its supervisor on this machine is killed first: its directory must not change
        after its trial is over.
        """
        buried = []
        beats = self.study.user_attrs
        for trial in self._trials((TrialState.RUNNING,)):
            if not self._is_dead(trial, beats):
                continue
            if directory := trial.user_attrs.get(_DIRECTORY):
                for lease in Path(directory).glob("**/.trial/lease.json"):
                    if child := read_lease(lease):
                        child.end()
            with contextlib.suppress(optuna.exceptions.UpdateFinishedTrialError, ValueError):
                outcome = Outcome("killed", reason="the sweep was killed while this trial ran")
                buried.append(self.close(trial.number, outcome))
        return buried

    def _is_dead(self, trial: FrozenTrial, beats: Mapping[str, Any]) -> bool:
        text = trial.user_attrs.get(_OWNER)
        if text is None:
            started = trial.datetime_start
            return started is None or _age(started) > _UNSIGNED_SECONDS
        owner = Lease.parse(text)
        if owner == self._me:
            return False
        if owner.is_here():
            return not owner.is_alive()
        beat = beats.get(_BEAT + owner.name())
        return beat is None or time.time() - float(beat) > SILENCE_SECONDS

    def repair(self) -> None:
        """Cuts off what a killed child may have left half written in the journal."""
        if (path := journal_path(self.address)) and path.exists():
            repair_journal(path)

    # --- reading -------------------------------------------------------------------------------------------

    def records(self) -> list[TrialRecord]:
        """Every trial of the study that has been started."""
        return [record_of(trial) for trial in self._trials() if trial.state != TrialState.WAITING]

    def counted_failures(self) -> int:
        """Failed trials that no other trial replaces."""
        return sum(1 for one in self.records() if one.state == "FAIL" and not one.retried)

    def previous(self, number: int) -> Path | None:
        """Directory of the killed trial that `number` repeats."""
        before = self._trial(number).user_attrs.get(_RETRY_OF)
        if before is None:
            return None
        directory = self._trial(before).user_attrs.get(_DIRECTORY)
        return Path(directory) if directory else None

    def attribute(self, number: int, key: str) -> Any:
        """Reads a user attribute of a trial, None if it is not set."""
        return self._trial(number).user_attrs.get(key)

    def _trials(self, states: Sequence[TrialState] | None = None) -> list[FrozenTrial]:
        return self.study._storage.get_all_trials(
            self.study._study_id, deepcopy=False, states=tuple(states) if states else None
        )

    def _trial(self, number: int) -> FrozenTrial:
        storage = self.study._storage
        return storage.get_trial(
            storage.get_trial_id_from_study_id_trial_number(self.study._study_id, number)
        )

    def _set(self, trial: FrozenTrial, key: str, value: Any) -> None:
        self.study._storage.set_trial_user_attr(trial._trial_id, key, value)


def enqueue(study: optuna.Study, points: Sequence[Mapping[str, Any]], fixed: Mapping[str, str]) -> None:
    """Puts known points into the queue of a study, each once, however often it is called for them."""
    known = {trial.user_attrs.get(_POINT) for trial in study.get_trials(deepcopy=False)}
    for point in points:
        name = json.dumps(point, sort_keys=True, default=str)
        if name not in known:
            known.add(name)
            study.enqueue_trial(dict(point), user_attrs={**fixed, _POINT: name})


def record_of(trial: FrozenTrial) -> TrialRecord:
    """Reads a trial of the study."""
    attributes = trial.user_attrs
    directory = attributes.get(_DIRECTORY)
    duration = trial.duration
    return TrialRecord(
        number=trial.number,
        state=trial.state.name,
        params=dict(trial.params),
        overrides=tuple(attributes.get(_OVERRIDES, ())),
        values=tuple(trial.values or ()),
        directory=Path(directory) if directory else None,
        reason=attributes.get(_REASON),
        seconds=duration.total_seconds() if duration is not None else None,
        retried=bool(attributes.get(_RETRIED)),
        retry_of=attributes.get(_RETRY_OF),
        replicates=tuple(tuple(one) for one in attributes.get(_REPLICATES, ())),
        interval=tuple(attributes.get(_INTERVAL, ())),
    )


def _claimed(trials: Sequence[FrozenTrial]) -> int:
    return sum(
        1 for one in trials if one.state != TrialState.WAITING and not one.user_attrs.get(_RETRIED, False)
    )


def _queued(trial: FrozenTrial) -> dict[str, Any]:
    return dict(trial.system_attrs.get("fixed_params", {}))


def _age(moment: datetime) -> float:
    if moment.tzinfo is None:  # Optuna hands times out in local time without saying so
        return (datetime.now() - moment).total_seconds()
    return (datetime.now(UTC) - moment).total_seconds()
