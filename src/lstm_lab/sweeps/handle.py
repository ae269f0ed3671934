"""What a trial may know and do while it runs: report a value, and ask whether to go on.

The handle is found through the environment, so that it works in a child of the sweeper, in a rank started by
torchrun and in a job of joblib or submitit alike. Optuna is imported when something is reported, not before.
"""

from __future__ import annotations

import json
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

TRIAL_VARIABLE = "LSTM_LAB_TRIAL"
STOPPED = "lstm_lab:stopped"
# Apart from the rest, because it may hold a password and the rest is written into job files.
STORAGE_VARIABLE = "LSTM_LAB_TRIAL_STORAGE"


class TrialHandle:
    """The trial this process is.

    Attributes:
        number: the trial's number in its study; also the name of its directory.
        study_name: name of the study.
        directory: the trial's own directory.
        params: the drawn parameters by key.
        overrides: the overrides that make this trial's config, in order.
        replicate: which of several runs of the same point this is, counted from 0.
        previous: directory of the killed trial that this one repeats, or None. Its checkpoints may be used.
        pruned: whether the study has told this trial to stop.
    """

    def __init__(self, facts: dict[str, Any], storage: Any) -> None:
        self.number: int = facts["number"]
        self.study_name: str = facts["study"]
        self.directory = Path(facts["directory"])
        self.params: dict[str, Any] = facts["params"]
        self.overrides: list[str] = facts["overrides"]
        self.replicate: int = facts.get("replicate", 0)
        self.previous = Path(facts["previous"]) if facts.get("previous") else None
        self.pruned = False
        # With replicates the supervisor reports one value per run; steps of the run itself would mix with it.
        self._reports: bool = facts.get("reports", True)
        self._pruner = facts.get("pruner")
        self._storage = storage
        self._trial: Any = None

    def report(self, value: float, step: int) -> None:
        """Tells the study a value, as after each validation. Several ranks may call it; rank 0 is heard.

        Args:
            value: what the sweep improves, as it is now. NaN is passed on, a pruner may act on it.
            step: an integer that grows; the second report of one step is ignored.
        """
        if self._reports and _rank() == 0:
            self._open().report(float(value), int(step))

    def should_prune(self) -> bool:
        """Asks whether to stop. Under DDP every rank must ask; rank 0 decides and all get its answer.

        After True, end in whatever way suits: raise ``optuna.TrialPruned``, or stop training and return; the
        trial is recorded as pruned either way.
        """
        if not self._reports:
            return False
        answer = self._decide() if _rank() == 0 else False
        self.pruned = self.pruned or _agreed(answer)
        return self.pruned

    def _decide(self) -> bool:
        trial = self._open()
        if len(trial.study.directions) > 1:
            return False
        if trial.should_prune():
            # For supervisors that see a job's return value only, as through Hydra's launchers.
            trial.set_user_attr(STOPPED, True)
            return True
        return False

    def _open(self) -> Any:
        if self._trial is None:
            import optuna

            from lstm_lab.sweeps.samplers import build_pruner
            from lstm_lab.sweeps.storage import open_storage

            study = optuna.load_study(
                study_name=self.study_name,
                storage=open_storage(self._storage),
                sampler=optuna.samplers.RandomSampler(),  # draws nothing here; the supervisor did
                pruner=build_pruner(self._pruner),
            )
            number = self.number
            trial_id = study._storage.get_trial_id_from_study_id_trial_number(study._study_id, number)
            self._trial = optuna.Trial(study, trial_id)
        return self._trial


def current_trial() -> TrialHandle | None:
    """Returns the trial that this process is, or None when it is not part of a sweep."""
    facts = os.environ.get(TRIAL_VARIABLE)
    if facts and facts.startswith("@"):  # a file, where the environment is written down by a launcher
        facts = Path(facts[1:]).read_text()
    return _handle(facts, os.environ.get(STORAGE_VARIABLE, "null")) if facts else None


@lru_cache(maxsize=1)
def _handle(facts: str, storage: str) -> TrialHandle:
    return TrialHandle(json.loads(facts), json.loads(storage))


def _rank() -> int:
    return int(os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or 0)


def _agreed(answer: bool) -> bool:
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not (distributed.is_available() and distributed.is_initialized()):
        return answer
    box = [answer]
    distributed.broadcast_object_list(box, src=0)
    return bool(box[0])
