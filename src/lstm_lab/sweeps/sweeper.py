"""Hydra's side: the class that ``-m`` calls. Everything heavy is imported when a sweep begins, not before."""

from __future__ import annotations

import sys
from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class OptunaSweeper(Sweeper):
    """A sweep over Optuna for any ``@hydra.main`` application.

    Its settings are `lstm_lab.sweeps.config.SweeperConf`; Hydra passes them here, but they are read from the
    config in `setup`, because an interpolation in them may look at the rest of it.
    """

    def __init__(self, **_: Any) -> None:
        self.hydra_context: HydraContext | None = None
        self.config: DictConfig | None = None
        self.launcher = None
        self.task_function: TaskFunction | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keeps what Hydra hands over before the sweep."""
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def sweep(self, arguments: list[str]) -> Any:
        """Runs the sweep.

        Args:
            arguments: the words of the command line that are not Hydra's own.

        Returns:
            the list of all trials of the study, as `lstm_lab.sweeps.observer.TrialRecord`.
        """
        from lstm_lab.errors import UserError
        from lstm_lab.sweeps.conduct import SweepBroken, conduct

        assert self.hydra_context is not None
        assert self.task_function is not None
        assert self.config is not None
        # Hydra would print a stack of its own frames for any exception and leave with 1.
        try:
            return conduct(self.config, self.hydra_context, self.task_function, list(arguments))
        except UserError as mistake:
            print(f"sweep: {mistake}", file=sys.stderr)
            raise SystemExit(2) from None
        except SweepBroken as end:
            print(f"sweep: {end}", file=sys.stderr)
            raise SystemExit(1) from None
        except KeyboardInterrupt:
            print("sweep: interrupted; the same command goes on where it stopped.", file=sys.stderr)
            raise SystemExit(130) from None
