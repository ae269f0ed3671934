"""The run of a whole sweep, under which the runs of its trials stand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lstm_lab.tracking.record import identity
from lstm_lab.tracking.run import Run, open_run

# Trials find their parent by it.
PARENT = "LSTM_LAB_PARENT_RUN"


class StudyRun:
    """Observes a sweep: one parent run for all its starts, with its numbers, table and pictures.

    Args:
        enabled: whether anything is sent to MLflow.
        uri: the store, as for runs.
        experiment: MLflow's experiment.
    """

    def __init__(self, enabled: bool = True, uri: str | None = None, experiment: str = "sweeps") -> None:
        self.uri = uri if enabled else "off"
        self.experiment = experiment
        self._run: Run | None = None
        self._directory: Path | None = None
        self._best: float | None = None
        self._sign = 1.0

    def sweep_started(self, facts: Any) -> None:
        """Opens the parent run, or goes on with it."""
        self._directory = facts.directory
        self._sign = -1.0 if facts.directions[0] == "maximize" else 1.0
        self._run = open_run(
            directory=facts.directory,
            uri=self.uri,
            experiment=self.experiment,
            name=facts.study,
            params={
                "sampler": facts.sampler,
                "pruner": facts.pruner,
                "n_jobs": facts.n_jobs,
                "space": facts.space,
            },
            tags={**identity(), "sweep": facts.study},
            system_metrics=False,
        )

    def trial_environment(self, number: int) -> dict[str, str]:
        """Where trials find their parent."""
        return {PARENT: str(self._directory)} if self._directory else {}

    def trial_finished(self, record: Any) -> None:
        """Logs the value of a trial and the best so far, by the trial's number."""
        if self._run is None or not record.values or record.state != "COMPLETE":
            return
        value = record.values[0]
        if self._best is None or self._sign * value < self._sign * self._best:
            self._best = value
        self._run.log_metrics({"sweep/value": value, "sweep/best": self._best}, step=record.number)

    def sweep_finished(self, records: Sequence[Any], directory: Path, ok: bool) -> None:
        """Sends results, table and pictures, and ends the run."""
        if self._run is None:
            return
        states = [record.state for record in records]
        self._run.set_tags({f"trials {state}": states.count(state) for state in dict.fromkeys(states)})
        for name in ("optimization_results.yaml", "trials.csv"):
            if (directory / name).is_file():
                self._run.log_artifact(directory / name)
        if (directory / "figures").is_dir():
            self._run.log_artifact(directory / "figures")
        self._run.close("FINISHED" if ok else "KILLED", None if ok else "the sweep was broken off")
