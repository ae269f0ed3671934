"""Regression: a number, or several, for a whole sequence.

Shapes: B sequences, C numbers asked for, M networks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError, check_choice
from lstm_lab.nets.classifier import SequenceClassifier
from lstm_lab.nets.pooling import POOLINGS
from lstm_lab.tasks.base import Task
from lstm_lab.tasks.blueprint import Blueprint


class Regress(Task):
    """Mean squared error in the user's units; members of an ensemble average their answers.

    A network answers in standard deviations from the mean of the training part, where the data measures them as
    ``target_mean`` and ``target_std``.

    Args:
        pooling: how outputs become one vector: ``last``, ``mean``, ``max`` or ``attention``.
        dropout: on that vector.
    """

    name = "regress"
    metric = "val/mse"

    def __init__(self, pooling: str = "last", dropout: float = 0.0) -> None:
        check_choice("task.pooling", pooling, POOLINGS)
        if not 0 <= dropout < 1:
            raise UserError(f"task.dropout={dropout} must be at least 0 and below 1.")
        self.pooling, self.dropout = pooling, dropout

    def build_net(self, blueprint: Blueprint) -> nn.Module:
        """Builds the net of a classifier with an output for each number."""
        front, size = blueprint.build_frontend(), blueprint.spec.target.size
        core = blueprint.build_core(front.output_size)
        net = SequenceClassifier(front, core, size, self.pooling, self.dropout)
        for key, usual in (("target_mean", 0.0), ("target_std", 1.0)):
            values = torch.tensor(blueprint.statistics.get(key, [usual] * size), dtype=torch.float32)
            net.register_buffer(key, values, persistent=False)  # the statistics are in the checkpoint
        return net

    def answer(self, net: nn.Module, batch: Batch) -> Tensor:
        """Returns one network's numbers (B, C), in the user's units."""
        return net.target_mean + net.target_std * net(batch)  # type: ignore[operator]

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """Mean squared error."""
        return F.mse_loss(self.answer(net, batch), batch.targets["number"])

    def predict(
        self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch, steps: int | None = None
    ) -> dict[str, Tensor]:
        """Returns ``number`` (B, C)."""
        each = torch.stack([self.answer(net, batch) for net in nets])  # (M, B, C)
        return {"number": torch.einsum("m,mbc->bc", weights.to(each.dtype), each)}

    def error(self, predictions: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
        """The sum of squared errors, and how many numbers were asked for."""
        wrong = (predictions["number"] - batch.targets["number"]).square()
        return wrong.sum(), torch.tensor(wrong.numel(), device=wrong.device)
