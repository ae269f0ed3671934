"""What every task is: a small object that gives a net, a loss, predictions and their error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.spec import Spec


class Task(Protocol):
    """The meaning of a run. Plain arguments, no state: weights live in the nets that it builds."""

    name: str
    metric: str  # what early stopping watches, the smaller the better

    def to_plain(self) -> dict[str, Any]:
        """Name and settings as plain data."""
        ...

    def members(self, statistics: dict[str, Any], rows: int) -> int:
        """How many networks `ensemble=auto` means for this data."""
        ...

    def steps(self, batches: int) -> int:
        """How many optimiser steps `fit.max_steps=auto` means, given the batches of one pass."""
        ...

    def build_net(
        self, spec: Spec, core: dict[str, Any], statistics: dict[str, Any], number: int
    ) -> nn.Module:
        """Builds one network.

        Args:
            spec: sizes of the data.
            core: settings of the recurrent core.
            statistics: what the data measured on its training part.
            number: 0, 1, … among the members of an ensemble.
        """
        ...

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """The training loss of one network, a mean over real targets."""
        ...

    def predict(
        self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch, steps: int | None = None
    ) -> dict[str, Tensor]:
        """Predictions in the user's units.

        Args:
            nets: M networks.
            weights: (M,), how much each counts; they sum to one.
            batch: what to predict from.
            steps: how far, where a task can go on; what it was trained for if not given.
        """
        ...

    def weigh(self, nets: Sequence[nn.Module], batch: Batch) -> Tensor:
        """How much each network counts, (M,), judged on rows that none was trained on."""
        ...

    def error(self, predictions: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
        """The monitored error as a sum and a count over real targets."""
        ...
