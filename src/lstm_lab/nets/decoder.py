"""The decoder of a translator: a recurrent core that attends to the source, and a softmax over the target's symbols.

With input feeding the core also reads what the step before made of its context, step by step. Without it the core
runs over the whole target in one call of its fused kernel and attends afterwards: the fast path. A step of decoding
is `Decoder.forward` over a target of one symbol, so training and decoding cannot differ.

Shapes: B sentences, S source steps, T target steps, E features of a symbol, M of the source, H of the decoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.nets.attention import Attention, build_attention
from lstm_lab.nets.dropout import word_dropout
from lstm_lab.nets.feeding import FedCore
from lstm_lab.nets.heads import SoftmaxHead
from lstm_lab.nets.init import build_core
from lstm_lab.nets.recurrent import State


@dataclass(frozen=True)
class Memory:
    """The source as a decoder sees it.

    Attributes:
        values: (B, S, M).
        keys: (B, S, A), what the attention made of them.
        real: (B, S) bool, False on padding.
    """

    values: Tensor
    keys: Tensor
    real: Tensor

    def rows(self, index: Tensor) -> Memory:
        """Returns the source of some sentences."""
        return Memory(self.values[index], self.keys[index], self.real[index])


@dataclass(frozen=True)
class DecoderState:
    """Where a decoder is, in each of N rows: one a sentence, or K of them, side by side, in a search.

    Attributes:
        core: state of the recurrent core.
        fed: (N, H), what the last step made of its context; zeros at the start.
        seen: (N, S), the sum of attention so far.
    """

    core: State
    fed: Tensor
    seen: Tensor

    def rows(self, index: Tensor) -> DecoderState:
        """Returns the state of some rows, as a search orders them anew."""
        core = [tuple(part[:, index] for part in layer) for layer in self.core]
        return DecoderState(core, self.fed[index], self.seen[index])


class Decoder(nn.Module):
    """From the source and the symbols so far to the next one.

    Args:
        table: (V, E), vectors of the target's symbols.
        memory: M.
        core: settings of the recurrent core.
        attention: kind, size, heads and coverage, as `build_attention` takes them.
        input_feeding: whether the core reads the last step's result.
        tied: whether the softmax shares the table.
        dropout: on vectors of symbols and on results.
        word_dropout: share of symbols that are replaced by the unknown one while training.
        unknown: number of that symbol.
    """

    def __init__(
        self,
        table: nn.Embedding,
        memory: int,
        core: dict[str, Any],
        attention: dict[str, Any],
        input_feeding: bool = False,
        tied: bool = True,
        dropout: float = 0.0,
        word_dropout: float = 0.0,
        unknown: int = 1,
    ) -> None:
        super().__init__()
        self.table, self.dropout, self.word_dropout, self.unknown = table, dropout, word_dropout, unknown
        width = core["hidden_size"]
        self.size: int = width if isinstance(width, int) else width[-1]  # H
        self.core = (
            FedCore(table.embedding_dim, self.size, core)
            if input_feeding
            else build_core(table.embedding_dim, core)
        )
        self.attention: Attention = build_attention(query=self.size, memory=memory, **attention)
        self.combine = nn.Linear(self.size + self.attention.output_size, self.size)
        self.head = SoftmaxHead(self.size, table.num_embeddings, table if tied else None)

    @property
    def state_sizes(self) -> list[tuple[int, ...]]:
        """Features of each thing that the core remembers, a tuple a layer."""
        return (self.core.core if isinstance(self.core, FedCore) else self.core).state_sizes

    def remember(self, values: Tensor, real: Tensor) -> Memory:
        """Returns the source, (B, S, M) and its real steps (B, S), as this decoder sees it."""
        return Memory(values, self.attention.keys(values), real)

    def begin(self, core: State, memory: Memory) -> DecoderState:
        """Returns the state before the first symbol, given that of the core."""
        rows, steps = memory.real.shape
        zeros = memory.values.new_zeros
        return DecoderState(core, zeros(rows, self.size), zeros(rows, steps))

    def forward(
        self, tokens: Tensor, memory: Memory, state: DecoderState
    ) -> tuple[Tensor, Tensor, DecoderState]:
        """Reads symbols, each of which is the input of one step.

        Args:
            tokens: (N, T), the beginning of a sentence first.
            memory: the source. Where a sentence has several rows they share it.
            state: before the first of them.

        Returns:
            What the softmax reads, (N, T, H), the attention (N, T, S), and the state after the last symbol.
        """
        tokens = word_dropout(tokens, self.word_dropout, self.unknown, self.training, keep=2)
        x = F.embedding(tokens, self.table.weight)  # (B, T, E)
        x = F.dropout(x, self.dropout, self.training)
        if isinstance(self.core, FedCore):
            found, weights, state = self._step_by_step(self.core, x, memory, state)
        else:
            outputs, core = self.core(x, None, state.core)
            found, weights = self._attend(outputs, memory, state.seen)
            state = DecoderState(core, found[:, -1], state.seen + weights.sum(1))
        return F.dropout(found, self.dropout, self.training), weights, state

    def _step_by_step(
        self, core: FedCore, x: Tensor, memory: Memory, state: DecoderState
    ) -> tuple[Tensor, Tensor, DecoderState]:
        masks, found, paid = core.masks(x), [], []
        steps, weight = core.prepare(x)
        for prepared in steps:
            output, after = core.step(prepared, weight, state.fed, state.core, masks)
            made, weights = self._attend(output[:, None], memory, state.seen)
            state = DecoderState(after, made[:, 0], state.seen + weights[:, 0])
            found.append(made)
            paid.append(weights)
        return torch.cat(found, dim=1), torch.cat(paid, dim=1), state

    def _attend(self, outputs: Tensor, memory: Memory, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Luong et al. (2015), eq. 5: ``tanh(W [h; context])``, (N, T, H), and the weights (N, T, S).

        The rows of one sentence are so many queries of its source, which need not be copied for each.
        """
        rows, steps, _ = outputs.shape
        sentences, width = memory.real.shape
        queries = outputs.reshape(sentences, -1, self.size)  # (B, K * T, H)
        paid = seen.view(sentences, -1, width)  # (B, K, S); with coverage T is 1
        context, weights = self.attention(queries, memory.keys, memory.values, memory.real, paid)
        context, weights = context.reshape(rows, steps, -1), weights.reshape(rows, steps, width)
        return torch.tanh(self.combine(torch.cat([outputs, context], dim=-1))), weights

    def step(
        self, tokens: Tensor, memory: Memory, state: DecoderState
    ) -> tuple[Tensor, Tensor, DecoderState]:
        """Reads one symbol a row, (N,): log probabilities (N, V) of the next, the attention (N, S), the state."""
        found, weights, state = self(tokens[:, None], memory, state)
        return self.head.log_probabilities(found[:, 0]), weights[:, 0], state
