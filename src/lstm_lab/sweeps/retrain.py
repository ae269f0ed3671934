"""Running the best point once more, outside the study, so that the application may score its test set."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from lstm_lab.sweeps import jobs
from lstm_lab.sweeps.frozen import Freezer
from lstm_lab.sweeps.nursery import Ended, Nursery
from lstm_lab.sweeps.observer import TrialRecord
from lstm_lab.sweeps.supervisor import ranks_of
from lstm_lab.sweeps.task import TaskAddress


def retrain(
    found: Sequence[TrialRecord],
    freezer: Freezer,
    task: TaskAddress,
    nursery: Nursery,
    say: Callable[[str], None],
) -> Path | None:
    """Runs the best trial's config as an ordinary run, once.

    The process has no `lstm_lab.sweeps.current_trial`: for the application this is no trial. Done already for
    the same trial, nothing happens.

    Args:
        found: the best trials; of several objectives none is *the* best, and nothing is run.

    Returns:
        the run's directory, None if there was nothing to run.
    """
    if len(found) != 1:
        say(f"retrain_best: there are {len(found)} best trials, so none is retrained.")
        return None
    name = f"best-{found[0].number}"
    frozen = freezer.freeze(found[0].overrides, name)
    attempt = 1
    while (frozen.directory / ".trial").exists():
        result = frozen.directory / ".trial" / "result.json"
        if result.exists() and json.loads(result.read_text())["state"] == "complete":
            say(f"the best trial has been retrained already: {frozen.directory}")
            return frozen.directory
        attempt += 1
        frozen = freezer.freeze(found[0].overrides, f"{name}-{attempt}")
    ranks = ranks_of(frozen)
    job = jobs.prepare(frozen, task, ranks)
    say(f"retraining trial {found[0].number} in {frozen.directory}")
    nursery.start(name, job, frozen.directory / "trial.log", {})
    ended: list[Ended] = []
    while not ended:
        ended = [one for one in nursery.wait(1.0) if one.name == name]
    jobs.clear(frozen.directory)
    outcome = jobs.read_outcome(frozen.directory, ended[0].status, len(found[0].values), ranks)
    values = " ".join(f"{value:.6g}" for value in outcome.values)
    say(f"retrained: {outcome.state} {values or outcome.reason or ''}".rstrip())
    return frozen.directory
