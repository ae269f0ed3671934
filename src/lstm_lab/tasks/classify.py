"""Classification: one label for a whole sequence, whatever it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError, check_choice
from lstm_lab.nets.classifier import SequenceClassifier
from lstm_lab.nets.pooling import POOLINGS
from lstm_lab.tasks.base import Task
from lstm_lab.tasks.blueprint import Blueprint


class Classify(Task):
    """Cross-entropy over C classes; members of an ensemble average their probabilities.

    Args:
        pooling: how outputs become one vector: ``last``, ``mean``, ``max`` or ``attention``.
        dropout: on that vector.
        label_smoothing: share of the target that is spread over all classes (Szegedy et al. 2016, section 7).
        balance: whether each class counts the same in the loss, however many samples it has; needs ``class_counts``
            among the data's statistics.
    """

    name = "classify"
    metric = "val/accuracy"

    def __init__(
        self,
        pooling: str = "last",
        dropout: float = 0.0,
        label_smoothing: float = 0.0,
        balance: bool = False,
    ) -> None:
        check_choice("task.pooling", pooling, POOLINGS)
        if not 0 <= label_smoothing < 1:
            raise UserError(f"task.label_smoothing={label_smoothing} must be at least 0 and less than 1.")
        self.pooling, self.dropout = pooling, dropout
        self.label_smoothing, self.balance = label_smoothing, balance

    def build_net(self, blueprint: Blueprint) -> nn.Module:
        """Builds a `SequenceClassifier`."""
        front, size = blueprint.build_frontend(), blueprint.spec.target.size
        core = blueprint.build_core(front.output_size)
        net = SequenceClassifier(front, core, size, self.pooling, self.dropout)
        if self.balance:
            net.register_buffer("class_weights", _inverse(blueprint.statistics), persistent=False)
        return net

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy in nats."""
        weights = net.class_weights if self.balance else None
        logits = net(batch)  # (B, C)
        loss = F.cross_entropy(
            logits,
            batch.targets["class"],
            weight=weights,  # type: ignore[arg-type]
            label_smoothing=self.label_smoothing,
        )
        if self.teacher is None:
            return loss
        told = self.teacher.says(batch, lambda nets: [one(batch) for one in nets])
        return self.teacher.blend(loss, self.teacher.divergence(logits, told))

    def predict(
        self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch, steps: int | None = None
    ) -> dict[str, Tensor]:
        """Returns ``probabilities`` (B, C)."""
        each = torch.stack([net(batch).softmax(-1) for net in nets])  # (M, B, C)
        return {"probabilities": torch.einsum("m,mbc->bc", weights.to(each.dtype), each)}

    def error(self, predictions: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
        """How many are right, and how many there are."""
        right = predictions["probabilities"].argmax(-1) == batch.targets["class"]
        return right.sum(), torch.tensor(len(batch), device=right.device)


def _inverse(statistics: dict[str, Any]) -> Tensor:
    """The weight of each class (C,): inverse to its number of samples, with a mean of one over the samples."""
    if "class_counts" not in statistics:
        raise UserError("task.balance=true: this data does not say how many samples each class has.")
    counts = torch.tensor(statistics["class_counts"], dtype=torch.float32)
    return counts.sum() / (len(counts) * counts.clamp_min(1))
