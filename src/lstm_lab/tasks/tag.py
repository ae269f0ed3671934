"""Tagging: a label for each step, such as the structure at each residue of a protein.

Shapes: B sequences, T steps, C labels, M networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.nets.tagger import Convolutions, SequenceTagger
from lstm_lab.tasks.base import Task
from lstm_lab.tasks.blueprint import Blueprint


class Tag(Task):
    """Cross-entropy at each step whose label is known; negative labels are not.

    Args:
        channels: of convolutions before the core, a number each; none for none.
        kernel: steps that each of them sees.
        dropout: before and after the core, one mask for all steps.
        crf: neighbouring labels are judged together (Lafferty et al. 2001).
    """

    name = "tag"
    metric = "val/accuracy"

    def __init__(
        self, channels: Sequence[int] = (), kernel: int = 7, dropout: float = 0.0, crf: bool = False
    ) -> None:
        if not 0 <= dropout < 1:
            raise UserError(f"task.dropout={dropout} must be at least 0 and below 1.")
        self.channels, self.kernel, self.dropout, self.crf = list(channels), kernel, dropout, crf

    def build_net(self, blueprint: Blueprint) -> nn.Module:
        """Builds a `SequenceTagger`."""
        front, size = blueprint.build_frontend(), blueprint.spec.target.size
        convolutions = Convolutions(front.output_size, self.channels, self.kernel)  # type: ignore[arg-type]
        recurrent = blueprint.build_core(convolutions.output_size)
        return SequenceTagger(front, convolutions, recurrent, size, self.dropout, self.crf)

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """Mean nats of a known label."""
        assert isinstance(net, SequenceTagger)
        scores, labels = net(batch), batch.targets["label"]
        if net.crf is None:
            return F.cross_entropy(scores.flatten(0, 1), labels.flatten())  # -100 is left out
        return net.crf.nats(scores, labels, batch.lengths).sum() / (labels >= 0).sum()

    def loss_at_end(self, net: nn.Module, batch: Batch) -> Tensor:
        """Nats of the last known label of each sequence; with a CRF labels are judged together, so all of them."""
        labels = batch.targets["label"]
        steps = torch.arange(labels.shape[1], device=labels.device)
        last = torch.where(labels >= 0, steps, -1).amax(1, keepdim=True)
        kept = labels if self.crf else torch.where(steps == last, labels, -100)
        return self.loss(net, replace(batch, targets={**batch.targets, "label": kept}))

    def predict(
        self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch, steps: int | None = None
    ) -> dict[str, Tensor]:
        """Returns ``probabilities`` (B, T, C), ``labels`` (B, T) and ``lengths`` (B,).

        With one network and a CRF, labels are the likeliest together; else at each step.
        """
        each = []
        for net in nets:
            assert isinstance(net, SequenceTagger)
            scores = net(batch)
            each.append(scores.softmax(-1) if net.crf is None else net.crf.marginals(scores, batch.lengths))
        mixed = torch.einsum("m,mbtc->btc", weights.to(each[0].dtype), torch.stack(each))
        mixed = torch.where(batch.mask.to(mixed.device)[..., None], mixed, 0.0)
        labels = mixed.argmax(-1)
        if len(nets) == 1 and self.crf:
            labels = nets[0].crf.best(nets[0](batch), batch.lengths)  # type: ignore[operator, union-attr]
        return {"probabilities": mixed, "labels": labels, "lengths": batch.lengths}

    def error(self, predictions: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
        """How many known labels are right, and how many there are."""
        labels = batch.targets["label"]
        return (predictions["labels"] == labels).sum(), (labels >= 0).sum()
