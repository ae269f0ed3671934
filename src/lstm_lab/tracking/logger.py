"""The Lightning side of a run: ``Trainer(logger=RunLogger(run))``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from lstm_lab.tracking.run import Run


class RunLogger(Logger):
    """Hands what Lightning logs to a `Run`, on rank zero only.

    It never ends the run: `fit` is not the end of an experiment, and only the experiment knows how it ended.

    Args:
        run: the open run; None on other ranks than zero.
    """

    def __init__(self, run: Run | None) -> None:
        super().__init__()
        self._run = run

    @property
    @rank_zero_experiment
    def experiment(self) -> Run | None:
        """The run itself, for what a Trainer has no word for."""
        return self._run

    @property
    def name(self) -> str | None:
        """Nothing: Lightning would build folder names from it."""
        return None

    @property
    def version(self) -> str | None:
        """MLflow's id of the run, once it has one."""
        return self._run.id if self._run else None

    @property
    def save_dir(self) -> str | None:
        """The run directory, so that nothing is written to the working directory."""
        return str(self._run.directory) if self._run else None

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Logs numbers; Lightning's ``epoch`` among them becomes the epoch of the point."""
        numbers = dict(metrics)
        epoch = numbers.pop("epoch", None)
        if self._run is not None and numbers:
            self._run.log_metrics(numbers, step or 0, None if epoch is None else int(epoch))

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Logs the model's hyper-parameters, unless the run was opened with the whole config already."""
        if self._run is not None and not self._run.params:
            self._run.log_params(vars(params) if isinstance(params, Namespace) else params)

    @rank_zero_only
    def save(self) -> None:
        """Asks for what has been logged to be sent soon."""
        if self._run is not None:
            self._run.flush()

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Leaves the run open, see above."""
        self.save()
