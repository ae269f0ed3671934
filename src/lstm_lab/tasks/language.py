"""Language modelling: the next symbol of a text, trained on streams, judged by the token, and writing of its own.

Shapes: B readers or prompts, T steps, H features of the core, V symbols, M networks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.nets.heads import AdaptiveHead, SoftmaxHead
from lstm_lab.nets.language_model import LanguageModel
from lstm_lab.nets.padding import at_last
from lstm_lab.nets.sampling import block_ngrams, draw, keep_top_k, keep_top_p
from lstm_lab.spec import Tokens
from lstm_lab.tasks.base import Task
from lstm_lab.tasks.blueprint import Blueprint


class Language(Task):
    """Cross-entropy of the next symbol, a mean over real ones; members of an ensemble average probabilities.

    Args:
        head: ``softmax`` or ``adaptive``.
        tied: the softmax shares its weights with the embedding.
        cutoffs: where the clusters of the adaptive softmax begin.
        dropout: on the core's outputs.
        activation_penalty: α, weight of the mean square of the dropped outputs (Merity et al. 2017, "Revisiting
            activation regularization for language RNNs").
        slowness_penalty: β, weight of the mean square of the outputs' change from step to step.
    """

    name = "language"
    metric = "val/nats"
    carries = True

    def __init__(
        self,
        head: str = "softmax",
        tied: bool = True,
        cutoffs: Sequence[int] = (2000, 10000),
        dropout: float = 0.0,
        activation_penalty: float = 0.0,
        slowness_penalty: float = 0.0,
    ) -> None:
        check_choice("task.head", head, ("softmax", "adaptive"))
        if not 0 <= dropout < 1:
            raise UserError(f"task.dropout={dropout} must be at least 0 and below 1.")
        check_at_least("task.activation_penalty", activation_penalty, 0)
        check_at_least("task.slowness_penalty", slowness_penalty, 0)
        self.head, self.tied, self.cutoffs, self.dropout = head, tied, list(cutoffs), dropout
        self.activation_penalty, self.slowness_penalty = activation_penalty, slowness_penalty

    def steps(self, batches: int) -> int:
        """Optimiser steps that are usual: ten passes."""
        return max(300, 10 * batches)

    def build_net(self, blueprint: Blueprint) -> nn.Module:
        """Builds a `LanguageModel`."""
        assert isinstance(blueprint.spec.inputs, Tokens)
        front = blueprint.build_frontend()
        recurrent = blueprint.build_core(front.output_size)
        symbols = blueprint.spec.inputs.vocabulary
        table = getattr(front, "table", None) if self.tied else None
        head: SoftmaxHead | AdaptiveHead
        if self.head == "adaptive":
            cutoffs = [place for place in self.cutoffs if place < symbols]
            head = AdaptiveHead(recurrent.output_size, symbols, cutoffs, table)
        else:
            head = SoftmaxHead(recurrent.output_size, symbols, table)
        locked = blueprint.core.get("locked", False)
        return LanguageModel(front, recurrent, head, self.dropout, locked, blueprint.spec.inputs.specials)

    # -- streams ----------------------------------------------------------------------------------------------

    def onward(self, net: nn.Module, batch: Batch, state: Any) -> tuple[Tensor, Any]:
        """Mean cross-entropy in nats over a chunk, with the penalties, and the state after it."""
        assert isinstance(net, LanguageModel)
        if self.teacher is not None:  # its states go on beside the student's
            state, told = (None, None) if state is None else state
        outputs, dropped, state = net(batch, state)
        real = batch.mask
        if batch.lengths.device.type == "cpu" and bool(real.all()):
            hidden, targets = dropped.flatten(0, 1), batch.targets["next"].flatten()
        else:
            hidden, targets = dropped[real], batch.targets["next"][real]
        if self.teacher is None:
            loss = net.head.nats(hidden, targets).mean()
        else:
            scores = net.head.log_probabilities(hidden)  # (N, V)
            each, told = self.teacher.says(batch, lambda nets: _follow(nets, batch, told))
            divergence = self.teacher.divergence(scores, [one[real] for one in each])
            loss = self.teacher.blend(nn.functional.nll_loss(scores, targets), divergence)
            state = (state, told)
        if self.activation_penalty:
            loss = loss + self.activation_penalty * dropped.square().mean()
        if self.slowness_penalty and outputs.shape[1] > 1:
            loss = loss + self.slowness_penalty * (outputs[:, 1:] - outputs[:, :-1]).square().mean()
        return loss, state

    def loss_at_end(self, net: nn.Module, batch: Batch) -> Tensor:
        """Nats of the last symbol of each piece, read from a state of zeros."""
        nats, _ = self.nats_onward([net], torch.ones(1), batch, [None])
        return nats.gather(1, (batch.lengths - 1).clamp(min=0)[:, None]).mean()

    def nats_onward(
        self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch, states: Sequence[Any]
    ) -> tuple[Tensor, list[Any]]:
        """Returns -log of the mixed probability of each real target of a chunk, 0 on padding (B, T), and the states."""
        each, after = [], []
        for net, state in zip(nets, states, strict=True):
            assert isinstance(net, LanguageModel)
            _, hidden, new = net(batch, state)
            nats = net.head.nats(hidden.flatten(0, 1), batch.targets["next"].flatten())
            each.append(nats.view(batch.inputs.shape))
            after.append(new)
        mixed = torch.stack([weight.log() - nats for weight, nats in zip(weights, each, strict=True)])
        return torch.where(batch.mask, -mixed.logsumexp(0), 0.0), after

    def error_onward(
        self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch, states: Sequence[Any]
    ) -> tuple[Tensor, Tensor, list[Any]]:
        """Sum of nats and count of real targets of a chunk."""
        nats, after = self.nats_onward(nets, weights, batch, states)
        return nats.double().sum(), batch.lengths.sum(), after

    def undecoded(self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch) -> dict[str, Tensor]:
        """``log_probabilities`` of the symbol after each step, (B, T, V), the members' probabilities mixed."""
        each = []
        for net in nets:
            _, hidden, _ = net(batch)
            each.append(net.head.log_probabilities(hidden.flatten(0, 1)).unflatten(0, (-1, hidden.shape[1])))  # type: ignore[operator, union-attr]
        return {"log_probabilities": mix(each, weights)}

    # -- writing ----------------------------------------------------------------------------------------------

    def infer(
        self,
        nets: Sequence[nn.Module],
        weights: Tensor,
        batch: Batch,
        steps: int | None = None,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        no_repeat: int = 0,
        seed: int = 0,
        **options: Any,
    ) -> dict[str, Tensor]:
        """Writes on after prompts.

        Args:
            nets: M networks, whose probabilities are averaged.
            weights: (M,).
            batch: prompts, each of at least one symbol.
            steps: symbols to write; 200 if not given.
            temperature: above 1 wilder, below 1 tamer, 0 always the likeliest symbol.
            top_k: draw among so many likeliest symbols, 0 for all.
            top_p: draw among the likeliest that hold this share of the probability.
            no_repeat: no run of so many symbols is written twice, 0 for no such rule.
            seed: decides what is drawn; each row has draws of its own, whatever the other rows are.
            options: none further.

        Returns:
            ``written``, (B, steps) numbers of symbols.
        """
        if options:
            raise TypeError(f"{self.name} takes no {', '.join(options)}")
        check_writing(temperature, top_k, top_p, no_repeat)
        generators = [torch.Generator().manual_seed(seed * 1_000_003 + key) for key in batch.keys.tolist()]
        scores, states = self._read(nets, weights, batch)
        written = _on_the_right(batch.inputs, batch.lengths)  # (B, L)
        start = written.shape[1]
        for _ in range(200 if steps is None else steps):
            scores[:, : nets[0].specials] = -torch.inf
            scores = block_ngrams(scores, written, no_repeat)
            # Temperature first: top-p then cuts what will be drawn from.
            scaled = scores / temperature if temperature else scores
            chosen = draw(keep_top_p(keep_top_k(scaled, top_k), top_p), float(temperature > 0), generators)
            written = torch.cat([written, chosen[:, None]], dim=1)
            scores, states = self._advance(nets, weights, chosen, states)
        return {"written": written[:, start:]}

    def _read(self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch) -> tuple[Tensor, list[Any]]:
        """Log probabilities (B, V) of what comes after each prompt, and the states there."""
        each, states = [], []
        for net in nets:
            assert isinstance(net, LanguageModel)
            _, hidden, state = net(batch)
            last = at_last(hidden, batch.lengths.to(hidden.device), hidden[:, 0])
            each.append(net.head.log_probabilities(last))
            states.append(state)
        return mix(each, weights), states

    def _advance(
        self, nets: Sequence[nn.Module], weights: Tensor, chosen: Tensor, states: list[Any]
    ) -> tuple[Tensor, list[Any]]:
        """As `_read`, after one more symbol (B,)."""
        ones = torch.ones(len(chosen), dtype=torch.long)
        step = Batch(inputs=chosen[:, None], lengths=ones, keys=ones)
        each, after = [], []
        for net, state in zip(nets, states, strict=True):
            assert isinstance(net, LanguageModel)
            _, hidden, new = net(step, state)
            each.append(net.head.log_probabilities(hidden[:, -1]))
            after.append(new)
        return mix(each, weights), after


def _follow(
    nets: Sequence[nn.Module], batch: Batch, states: Sequence[Any] | None
) -> tuple[list[Tensor], list[Any]]:
    """Log probabilities (B, T, V) that teachers give the next symbol, and their states after the chunk."""
    each, after = [], []
    for net, state in zip(nets, states or [None] * len(nets), strict=True):
        assert isinstance(net, LanguageModel)
        _, hidden, new = net(batch, state)
        each.append(net.head.log_probabilities(hidden))
        after.append(new)
    return each, after


def check_writing(temperature: float, top_k: int, top_p: float, no_repeat: int) -> None:
    """Checks the settings of writing.

    Raises:
        UserError: for one that is out of range.
    """
    check_at_least("temperature", temperature, 0)
    check_at_least("top_k", top_k, 0)
    check_at_least("no_repeat", no_repeat, 0)
    if not 0 < top_p <= 1:
        raise UserError(f"top_p={top_p} must be above 0 and at most 1.")
    if not math.isfinite(temperature):
        raise UserError(f"temperature={temperature} must be a finite number.")


def mix(each: list[Tensor], weights: Tensor) -> Tensor:
    """Log of the weighted mean of probabilities (B, V)."""
    if len(each) == 1:
        return each[0]
    return torch.stack([one + weight.log() for one, weight in zip(each, weights, strict=True)]).logsumexp(0)


def _on_the_right(tokens: Tensor, lengths: Tensor) -> Tensor:
    """Moves rows (B, T) to the right end, -1 before them, so that what is written follows each directly."""
    shift = tokens.shape[1] - lengths.to(tokens.device)
    places = torch.arange(tokens.shape[1], device=tokens.device) - shift[:, None]  # (B, T)
    return torch.where(places >= 0, tokens.gather(1, places.clamp(min=0)), -1)
