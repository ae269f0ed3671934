"""What every task is: a small object that gives a net, a loss, predictions and their error."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.tasks.blueprint import Blueprint
from lstm_lab.tasks.teaching import Teacher


class Task:
    """The meaning of a run. Plain arguments, no state of its own: weights live in the nets that it builds.

    A task writes `build_net`, `loss`, `predict` and `error`, and what else differs from the usual. One
    that reads a stream in pieces sets `carries` and writes `onward` and `error_onward` instead of the last three.

    Attributes:
        name: the word in ``conf/task`` and in checkpoints.
        metric: what early stopping, checkpoints and sweeps watch, such as ``val/accuracy``.
        carries: whether a state goes on from one batch to the next (truncated backpropagation through time,
            Williams & Peng 1990).
        refits: whether ``refit=auto`` trains once more, on training and validation samples together.
        teacher: a trained model whose answers are learned beside the labels (distillation), where the task can; it
            is no setting, and no checkpoint knows it.
    """

    name: str = ""
    metric: str = ""
    carries: bool = False
    refits: bool = False
    teacher: Teacher | None = None

    def to_plain(self) -> dict[str, Any]:
        """Name and settings as plain data: each argument of the class, by the attribute of the same name."""
        settings = inspect.signature(type(self)).parameters
        return {"name": self.name, **{key: getattr(self, key) for key in settings}}

    def build_net(self, blueprint: Blueprint) -> nn.Module:
        """Builds one network.

        Args:
            blueprint: sizes of the data, settings of the core, which member of an ensemble it is.
        """
        raise NotImplementedError

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """The training loss of one network, a mean over real targets."""
        raise NotImplementedError

    def prepared(self, nets: Sequence[nn.Module], batch: Batch) -> list[Callable[[], Tensor]] | None:
        """As `loss` of each network, to be called later: what is random in it has been drawn, in their order.

        Members of an ensemble may then be trained side by side and still see the numbers that they would have seen one
        after the other; what they have in common is done once. None: `loss` draws as it goes, and members take turns.
        """
        return None

    def loss_at_end(self, net: nn.Module, batch: Batch) -> Tensor:
        """The part of the loss that is decided last: all of it, unless there is a target at each step."""
        return self.loss(net, batch)

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
        raise NotImplementedError

    def undecoded(self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch) -> dict[str, Tensor]:
        """What the networks say before anything is chosen of it: what a graph gives out, and a stream goes on from.

        Of most tasks these are the predictions; arguments as those of `predict`.
        """
        return self.predict(nets, weights, batch)

    def error(self, predictions: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
        """The monitored number as a sum and a count over real targets."""
        raise NotImplementedError

    # -- streams ----------------------------------------------------------------------------------------------

    def onward(self, net: nn.Module, batch: Batch, state: Any) -> tuple[Tensor, Any]:
        """The training loss of a piece of a stream, and the state after it.

        Args:
            net: one network.
            batch: the piece.
            state: after the piece before, detached and with rows that begin anew set to zero; None at the start.
        """
        raise NotImplementedError

    def error_onward(
        self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch, states: Sequence[Any]
    ) -> tuple[Tensor, Tensor, list[Any]]:
        """As `error`, for a piece of a stream, with the state of each network after it."""
        raise NotImplementedError

    # -- what is usual ----------------------------------------------------------------------------------------

    def infer(
        self,
        nets: Sequence[nn.Module],
        weights: Tensor,
        batch: Batch,
        steps: int | None = None,
        **options: Any,
    ) -> dict[str, Tensor]:
        """What a user asks of a trained model: `predict`, unless decoding takes more than one pass.

        Args:
            nets: M networks.
            weights: (M,), how much each counts.
            batch: what to predict from.
            steps: how far, where a task can go on.
            options: settings of a search or of sampling, where a task has some.
        """
        if options:
            raise TypeError(f"{self.name} takes no {', '.join(options)}")
        return self.predict(nets, weights, batch, steps)

    def weight(self, batch: Batch) -> Tensor:
        """How much the mean loss of a batch counts beside those of other processes: the targets it is a mean of."""
        return torch.tensor(float(len(batch)))

    def members(self, statistics: dict[str, Any], rows: int) -> int:
        """How many networks `ensemble=auto` means for this data."""
        return 1

    def steps(self, batches: int) -> int:
        """How many optimiser steps `fit.max_steps=auto` means, given the batches of one pass."""
        return max(300, 20 * batches)

    def weigh(self, nets: Sequence[nn.Module], batches: Iterable[Batch]) -> Tensor:
        """How much each network counts, (M,), judged on samples that none was trained on."""
        return torch.full((len(nets),), 1 / len(nets))
