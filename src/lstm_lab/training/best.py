"""Early stopping and the best weights, kept in memory and off the hot path."""

from __future__ import annotations

import math
from typing import Any

import lightning.pytorch as pl
from torch import Tensor


class KeepBest(pl.Callback):
    """Remembers the weights of the best validation, and ends training when it no longer improves.

    Args:
        monitor: name of the metric.
        smaller: whether smaller is better.
        patience: validations without improvement before training ends; 0 never ends it.
        goal: training ends when the metric reaches it.
        trial: the trial of a sweep that this run is: told every value, asked whether to go on; None outside.

    Attributes:
        since: validations before this optimiser step do not count.
        score: the best value so far, None before the first validation.
        step: the optimiser step at which it was reached, the last one of several.
        stopped: whether this callback ended training.
        pruned: whether that was because the sweep has better trials.
        reason: why training ended, for the final table.
    """

    in_rounds = True

    def __init__(
        self,
        monitor: str,
        smaller: bool = True,
        patience: int = 0,
        goal: float | None = None,
        trial: Any = None,
    ) -> None:
        self.monitor, self.smaller, self.patience, self.goal = monitor, smaller, patience, goal
        self.trial, self.pruned = trial, False
        self.since = 0
        self.score: float | None = None
        self.step = 0
        self.stopped = False
        self.reason = "all steps done"
        self._waited = 0
        self._weights: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compares; one device synchronisation a validation."""
        if trainer.sanity_checking or self.monitor not in trainer.callback_metrics:
            return
        if trainer.global_step < self.since:
            return
        score = float(trainer.callback_metrics[self.monitor])
        better = self._better(score)
        self._waited = 0 if better else self._waited + 1
        # Counts such as accuracy tie; of equal scores the later one has been trained longer, and is surer of itself.
        if better or score == self.score:
            self.score, self.step = score, trainer.global_step
            state = pl_module.state_dict()
            self._weights = {name: tensor.detach().clone() for name, tensor in state.items()}
        if self.trial is not None:
            self.trial.report(score, trainer.global_step)
            self.pruned = self.trial.should_prune()
        if self.pruned:
            self._stop(trainer, f"pruned at step {trainer.global_step}")
        elif self._reached(score):
            self._stop(trainer, f"goal {self.goal:g} reached at step {trainer.global_step}")
        elif self.patience and self._waited >= self.patience:
            self._stop(
                trainer,
                f"no improvement in {self.patience} validations, stopped at step {trainer.global_step}",
            )

    @property
    def objective(self) -> float:
        """The best score as a number, NaN before the first validation."""
        return float("nan") if self.score is None else self.score

    def _better(self, score: float) -> bool:
        if not math.isfinite(score):
            return False
        if self.score is None:
            return True
        return score < self.score if self.smaller else score > self.score

    def _reached(self, score: float) -> bool:
        if self.goal is None:
            return False
        return score <= self.goal if self.smaller else score >= self.goal

    def _stop(self, trainer: pl.Trainer, reason: str) -> None:
        self.stopped, self.reason = True, reason
        trainer.should_stop = True

    def restore(self, module: pl.LightningModule) -> None:
        """Puts the best weights back."""
        if self._weights:
            module.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """Everything that a resumed run needs, plain."""
        return {
            "score": self.score,
            "step": self.step,
            "stopped": self.stopped,
            "reason": self.reason,
            "waited": self._waited,
            "weights": self._weights,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continues where `state_dict` was taken."""
        self.score, self.step = state_dict["score"], state_dict["step"]
        self.stopped, self.reason = state_dict["stopped"], state_dict["reason"]
        self._waited, self._weights = state_dict["waited"], state_dict["weights"]


class History(pl.Callback):
    """The course of training as a table: one row a validation."""

    in_rounds = True

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keeps the numbers as tensors; they are read at the end."""
        if trainer.sanity_checking:
            return
        numbers = {name: value.detach() for name, value in trainer.callback_metrics.items() if name != "step"}
        self.rows.append({"step": trainer.global_step, **numbers})  # type: ignore[dict-item]

    def state_dict(self) -> dict[str, Any]:
        """The rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on below rows of an earlier session."""
        self.rows = list(state_dict["rows"])

    def table(self) -> list[dict[str, float]]:
        """The rows as plain numbers."""
        return [{name: float(value) for name, value in row.items()} for row in self.rows]
