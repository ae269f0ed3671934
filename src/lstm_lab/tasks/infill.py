"""Gap filling: symbols that are missing, from both sides of the gap.

Shapes: B sequences, T steps, V symbols, M networks, K fillings that are followed (the beam).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import check_at_least, check_choice
from lstm_lab.nets.infill import GapFiller
from lstm_lab.nets.padding import flip
from lstm_lab.spec import Tokens
from lstm_lab.tasks.base import Task
from lstm_lab.tasks.blueprint import Blueprint


class Infill(Task):
    """Cross-entropy of each symbol from both its sides, in bits; every symbol of a sequence is a gap in turn.

    Args:
        sides: ``both``, or ``left`` for a model that only knows what stands before a gap.
        longest: training asks for the first symbol of gaps up to this length, half of the time for one symbol.
        both_strands: a sequence that has another strand is judged on both, and probabilities are averaged.
        dropout: on what the head reads.
    """

    name = "infill"
    metric = "val/bits"

    def __init__(
        self, sides: str = "both", longest: int = 8, both_strands: bool = True, dropout: float = 0.0
    ) -> None:
        check_choice("task.sides", sides, ("both", "left"))
        check_at_least("task.longest", longest, 1)
        self.sides, self.longest, self.both_strands, self.dropout = sides, longest, both_strands, dropout

    def build_net(self, blueprint: Blueprint) -> nn.Module:
        """Builds a `GapFiller`."""
        assert isinstance(blueprint.spec.inputs, Tokens)
        front: Any = blueprint.build_frontend()
        right = blueprint.build_core(front.output_size) if self.sides == "both" else None
        complement = blueprint.statistics.get("complement")
        return GapFiller(
            front,
            blueprint.build_core(front.output_size),
            right,
            blueprint.spec.inputs.vocabulary,
            self.longest,
            self.dropout,
            blueprint.spec.inputs.specials,
            None if complement is None else torch.tensor(complement),
        )

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """Mean nats of a symbol, at a distance that is drawn for the batch."""
        far = self.longest > 1 and torch.rand(()) < 0.5
        distance = int(torch.randint(2, self.longest + 1, ())) if far else 1
        return F.cross_entropy(net(batch, distance).flatten(0, 1), batch.targets["gap"].flatten())

    def predict(
        self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch, steps: int | None = None
    ) -> dict[str, Tensor]:
        """Returns ``log`` (B, T, V), the log probabilities of each single missing symbol."""
        mixed = torch.stack([self._probabilities(net, batch) for net in nets])  # (M, B, T, V)
        return {"log": torch.einsum("m,mbtv->btv", weights.to(mixed.dtype), mixed).clamp_min(1e-12).log()}

    def _probabilities(self, net: nn.Module, batch: Batch) -> Tensor:
        assert isinstance(net, GapFiller)
        found = net(batch).softmax(-1)
        other = net.complement
        if other is None or not self.both_strands or self.sides != "both":
            return found
        lengths = batch.lengths.to(batch.inputs.device)
        turned = replace(batch, inputs=other[flip(batch.inputs[..., None], lengths)[..., 0]])
        return (found + flip(net(turned).softmax(-1), lengths)[..., other]) / 2

    def error(self, predictions: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
        """Sum of bits and count of the symbols that count."""
        bits = self.bits(predictions, batch)
        return bits.double().sum(), (batch.targets["gap"] >= 0).sum()

    def bits(self, predictions: dict[str, Tensor], batch: Batch) -> Tensor:
        """Bits of each symbol (B, T); 0 where it does not count."""
        targets = batch.targets["gap"]
        log = predictions["log"].gather(-1, targets.clamp(min=0)[..., None]).squeeze(-1)
        return torch.where(targets >= 0, -log / math.log(2), 0.0)

    # -- filling ----------------------------------------------------------------------------------------------

    def infer(
        self,
        nets: Sequence[nn.Module],
        weights: Tensor,
        batch: Batch,
        steps: int | None = None,
        beam: int = 8,
        **options: Any,
    ) -> dict[str, Tensor]:
        """Fills the gap of each sequence; without gaps it is `predict`.

        Args:
            nets: M networks, whose probabilities are averaged.
            weights: (M,).
            batch: sequences with ``start`` and ``size`` (B,) of their gaps among the targets.
            steps: not used; the gap says how long it is.
            beam: fillings that are followed at a time.
            options: none further.

        Returns:
            ``filled`` (B, longest gap) numbers of symbols, ``size`` (B,), and ``bits`` (B,) of each filling.
        """
        if options:
            raise TypeError(f"{self.name} takes no {', '.join(options)}")
        if "start" not in batch.targets:
            return self.predict(nets, weights, batch, steps)
        check_at_least("beam", beam, 1)
        filled, bits = [], []
        rows = zip(
            batch.inputs,
            batch.lengths.tolist(),
            batch.targets["start"].tolist(),
            batch.targets["size"].tolist(),
            strict=True,
        )
        for tokens, length, start, size in rows:
            symbols, cost = self._fill(
                nets, weights, tokens[:start], tokens[start + size : length], size, beam
            )
            filled.append(symbols)
            bits.append(cost)
        whole = torch.nn.utils.rnn.pad_sequence(filled, batch_first=True)
        return {"filled": whole, "size": batch.targets["size"], "bits": torch.stack(bits)}

    def _fill(
        self, nets: Sequence[nn.Module], weights: Tensor, before: Tensor, behind: Tensor, size: int, beam: int
    ) -> tuple[Tensor, Tensor]:
        """The likeliest filling (size,) that a beam finds, and its bits."""
        right = [net.read_right(behind) for net in nets]  # type: ignore[operator]
        paths = torch.zeros(1, 0, dtype=torch.long, device=before.device)  # (K, symbols so far)
        costs = torch.zeros(1, device=before.device)
        for place in range(size):
            log = self._onward(nets, weights, right, before, paths, size - place)  # (K, V)
            log[:, : nets[0].specials] = -torch.inf  # type: ignore[misc]
            total = (costs[:, None] + log).flatten()
            best = total.topk(min(beam, int(total.isfinite().sum())))
            origin, symbol = best.indices // log.shape[1], best.indices % log.shape[1]
            paths = torch.cat([paths[origin], symbol[:, None]], dim=1)
            costs = best.values
        return paths[0], -costs[0] / math.log(2)

    def _onward(
        self,
        nets: Sequence[nn.Module],
        weights: Tensor,
        right: list[Tensor],
        before: Tensor,
        paths: Tensor,
        distance: int,
    ) -> Tensor:
        """Log probabilities (K, V) of the next symbol of each path."""
        mixed = []
        for net, side in zip(nets, right, strict=True):
            assert isinstance(net, GapFiller)
            left = before.new_zeros(len(paths), net.left.output_size, dtype=side.dtype)
            text = torch.cat([before.expand(len(paths), -1), paths], dim=1)
            if text.shape[1]:
                x, lengths = net.frontend(Batch.pad(list(text)))
                left = net.left(x, lengths)[0][:, -1]
            sides = torch.cat([left, side.expand(len(paths), -1)], dim=-1)
            mixed.append(net.scores(sides, distance).softmax(-1))
        return torch.einsum("m,mkv->kv", weights.to(mixed[0].dtype), torch.stack(mixed)).log()
