"""A trained model as a teacher: what it says of a batch, and how far a student is from that.

Hinton, Vinyals & Dean (2015), "Distilling the knowledge in a neural network".

Shapes: C classes or symbols, M networks of the teacher.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.batch import Batch


class Teacher:
    """What a student is told beside the labels. Its networks are at rest and get no gradient.

    Args:
        task: the teacher's own, which knows how its networks are asked.
        nets: M networks.
        weights: (M,), how much each counts.
        share: of the loss that is the teacher's; the labels have the rest.
        temperature: T, by which the logits of both are divided; above 1 what is unlikely tells more.
    """

    def __init__(
        self,
        task: Any,
        nets: Sequence[nn.Module],
        weights: Tensor,
        share: float = 0.5,
        temperature: float = 2.0,
    ) -> None:
        self.task, self.weights = task, weights
        self.nets = [net.eval().requires_grad_(False) for net in nets]
        self.share, self.temperature = share, temperature
        self._batch: Batch | None = None
        self._said: Any = None

    @torch.no_grad()
    def says(self, batch: Batch, ask: Callable[[Sequence[nn.Module]], Any]) -> Any:
        """Returns ``ask(nets)``; members of an ensemble that learn from the same batch are told the same."""
        if self._batch is not batch:
            if self.weights.device != batch.inputs.device:
                self.weights = self.weights.to(batch.inputs.device)
                self.nets = [net.to(batch.inputs.device) for net in self.nets]
            self._batch, self._said = batch, ask(self.nets)
        return self._said

    def blend(self, labels: Tensor, teacher: Tensor) -> Tensor:
        """The loss as a whole."""
        return (1 - self.share) * labels + self.share * teacher

    def divergence(self, student: Tensor, teacher: Sequence[Tensor]) -> Tensor:
        """Mean Kullback-Leibler divergence of a student from the mean of the networks' softened probabilities.

        It is multiplied by T², so that its gradient keeps its size whatever T is (section 2 of the paper).

        Args:
            student: (…, C), logits or log probabilities.
            teacher: M of the same.
        """
        soft = torch.stack([(one / self.temperature).softmax(-1) for one in teacher])  # (M, …, C)
        mean = torch.einsum("m,m...->...", self.weights.to(soft), soft)
        own = (student / self.temperature).log_softmax(-1)
        each = F.kl_div(own, mean, reduction="none").sum(-1)
        return self.temperature**2 * each.mean()
