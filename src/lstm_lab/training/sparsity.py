"""Small weights become zero while training goes on, and stay so."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

# Optimiser steps between two looks at which weights are small.
_EVERY = 10


class MagnitudePruning(pl.Callback):
    """Sets the smallest weights of each matrix to zero, more and more of them, and keeps them there.

    The share of zeros rises to `amount` over the first steps by the cube of Zhu & Gupta (2017), "To prune, or not to
    prune", eq. 1: fast while there is much to spare, slowly at the end. Biases and normalisations stay whole. What is
    zero once is so for good: a mask acts after each optimiser step, whatever momentum has in store.

    Which weights are zero can be seen from the weights, so that a resumed run needs nothing else.

    Args:
        amount: share of zeros in each matrix at the end.
        steps: optimiser steps until then; 0 sets all of them to zero at once.
    """

    def __init__(self, amount: float, steps: int = 0) -> None:
        self.amount, self.steps = amount, steps
        self._masks: list[Tensor] = []
        self._hooks: list[Any] = []

    def share(self, step: int) -> float:
        """Share of zeros after so many optimiser steps."""
        if step >= self.steps:
            return self.amount
        return self.amount * (1 - (1 - step / self.steps) ** 3)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lets each step of the optimiser be followed by the mask."""
        weights = [weight for weight in pl_module.members.parameters() if weight.ndim > 1]  # type: ignore[union-attr]

        def before(*_: Any) -> None:
            step = trainer.global_step
            if step % _EVERY == 0 or step == self.steps:
                self._masks = [keeps(weight, self.share(step)) for weight in weights]
            elif not self._masks:  # a resumed run has just got its weights back
                self._masks = [keeps(weight, 0.0) for weight in weights]

        def after(*_: Any) -> None:
            with torch.no_grad():
                for weight, mask in zip(weights, self._masks, strict=True):
                    weight.mul_(mask)

        for optimizer in trainer.optimizers:
            self._hooks += [
                optimizer.register_step_pre_hook(before),
                optimizer.register_step_post_hook(after),
            ]

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lets go of the optimiser."""
        for hook in self._hooks:
            hook.remove()
        self._hooks, self._masks = [], []


def keeps(weight: Tensor, share: float) -> Tensor:
    """Returns False for the smallest share of a matrix and for what is zero, else True."""
    count = int(share * weight.numel())
    mask = weight.detach() != 0
    if count:
        smallest = weight.detach().abs().flatten().topk(count, largest=False).indices
        mask.view(-1)[smallest] = False
    return mask


def zeros(model: nn.Module) -> float:
    """Returns the share of zeros among the numbers of all matrices."""
    weights = [weight for weight in model.parameters() if weight.ndim > 1]
    return sum(int((one == 0).sum()) for one in weights) / sum(one.numel() for one in weights)
