"""Attention: which steps of the source a step of the target looks at.

Every kind has the same two parts. `keys` projects the source once; calling it scores any number of queries against
them, so that one step of decoding and a whole target in one go are the same function. Padding gets a weight of
exactly zero, so a result does not depend on what a sentence is batched with.

Shapes: B sentences, S source steps, T target steps, Q features of a query, M of a source step, A of a key.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lstm_lab.errors import UserError

KINDS = ("none", "bahdanau", "dot", "general", "concat", "multihead")


class Attention(nn.Module):
    """What all kinds share: masked weights, and the weighted mean of the source.

    A new kind writes `keys` and `scores`.

    Attributes:
        output_size: features of the context that it gives.
    """

    output_size: int

    def keys(self, memory: Tensor) -> Tensor:
        """Returns what queries are scored against, (B, S, A) from (B, S, M)."""
        raise NotImplementedError

    def scores(self, query: Tensor, keys: Tensor, seen: Tensor | None) -> Tensor:
        """Returns scores (B, T, S) for queries (B, T, Q); `seen` as in `forward`."""
        raise NotImplementedError

    def forward(
        self, query: Tensor, keys: Tensor, memory: Tensor, real: Tensor, seen: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Attends.

        Args:
            query: (B, T, Q).
            keys: of `keys`.
            memory: (B, S, M).
            real: (B, S) bool, False on padding.
            seen: (B, T, S) or (B, 1, S), the sum of earlier weights, for kinds with coverage.

        Returns:
            Contexts (B, T, output_size) and weights (B, T, S), whose rows sum to one over real steps.
        """
        weights = masked_softmax(self.scores(query, keys, seen), real[:, None])  # (B, T, S)
        return weights @ memory, weights


def masked_softmax(scores: Tensor, real: Tensor) -> Tensor:
    """A softmax over the last dimension in which places that are not `real` weigh exactly zero."""
    # The least number of the dtype instead of -inf: a row without any real place gives numbers, not NaN.
    scores = scores.masked_fill(~real, torch.finfo(scores.dtype).min)
    return scores.softmax(-1).masked_fill(~real, 0.0)


class AdditiveAttention(Attention):
    """``v · tanh(W q + U k)``: Bahdanau, Cho & Bengio (2015), appendix A.1.2; Luong et al. (2015)'s ``concat``.

    Args:
        query: Q.
        memory: M.
        size: A, width of the hidden layer.
        coverage: the layer also reads how much attention a place has had (See, Liu & Manning 2017, eq. 11).
    """

    def __init__(self, query: int, memory: int, size: int, coverage: bool = False) -> None:
        super().__init__()
        self.output_size = memory
        self.query = nn.Linear(query, size)
        self.key = nn.Linear(memory, size, bias=False)
        self.energy = nn.Linear(size, 1, bias=False)
        self.coverage = nn.Parameter(torch.zeros(size)) if coverage else None

    def keys(self, memory: Tensor) -> Tensor:
        """The source through U."""
        return self.key(memory)

    def scores(self, query: Tensor, keys: Tensor, seen: Tensor | None) -> Tensor:
        """The equation above."""
        keys = keys[:, None]  # (B, 1, S, A)
        if self.coverage is not None and seen is not None:
            keys = keys + seen[..., None] * self.coverage  # (B, T or 1, S, A)
        hidden = torch.tanh(self.query(query)[:, :, None] + keys)  # (B, T, S, A)
        return self.energy(hidden).squeeze(-1)


class DotAttention(Attention):
    """Luong, Pham & Manning (2015), eq. 8: ``q · k`` (``dot``), or ``q · W k`` (``general``).

    Args:
        query: Q.
        memory: M.
        general: with W; without it, Q and M have to be equal.

    Raises:
        UserError: if they are not.
    """

    def __init__(self, query: int, memory: int, general: bool) -> None:
        super().__init__()
        if not general and query != memory:
            raise UserError(
                f"model.decoder.attention=dot: the decoder has {query} features and the source {memory}, which must "
                f"be equal. Take attention=general, or model.decoder.hidden_size={memory}."
            )
        self.output_size = memory
        self.key = nn.Linear(memory, query, bias=False) if general else nn.Identity()

    def keys(self, memory: Tensor) -> Tensor:
        """The source, through W if there is one."""
        return self.key(memory)

    def scores(self, query: Tensor, keys: Tensor, seen: Tensor | None) -> Tensor:
        """The equations above."""
        return query @ keys.transpose(1, 2)


class MultiHeadAttention(Attention):
    """Scaled dot products in several subspaces: Vaswani et al. (2017), "Attention is all you need", section 3.2.2.

    Args:
        query: Q.
        memory: M.
        size: A, all heads together; contexts have it too.
        heads: a divisor of `size`.

    Raises:
        UserError: if it is none.
    """

    def __init__(self, query: int, memory: int, size: int, heads: int) -> None:
        super().__init__()
        if size % heads:
            raise UserError(f"model.decoder.heads={heads} must divide the attention's size, {size}.")
        self.output_size, self.heads = size, heads
        self.query, self.key = nn.Linear(query, size), nn.Linear(memory, size)
        self.value, self.out = nn.Linear(memory, size), nn.Linear(size, size)

    def keys(self, memory: Tensor) -> Tensor:
        """Keys and values side by side, (B, S, 2A)."""
        return torch.cat([self.key(memory), self.value(memory)], dim=-1)

    def forward(
        self, query: Tensor, keys: Tensor, memory: Tensor, real: Tensor, seen: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """As `Attention.forward`; the weights are the mean over heads."""
        key, value = keys.chunk(2, dim=-1)
        q, k, v = (self._split(part) for part in (self.query(query), key, value))  # (B, heads, …, A / heads)
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])  # (B, heads, T, S)
        weights = masked_softmax(scores, real[:, None, None])
        context = (weights @ v).transpose(1, 2).flatten(2)  # (B, T, A)
        return self.out(context), weights.mean(1)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class NoAttention(Attention):
    """No look at the source but the state that the decoder begins with: Sutskever, Vinyals & Le (2014)."""

    def __init__(self, query: int, memory: int) -> None:
        super().__init__()
        self.output_size = 0

    def keys(self, memory: Tensor) -> Tensor:
        """The source; nothing looks at it."""
        return memory

    def forward(
        self, query: Tensor, keys: Tensor, memory: Tensor, real: Tensor, seen: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Returns empty contexts (B, T, 0) and equal weights (B, T, S)."""
        weights = real[:, None].to(query.dtype).expand(-1, query.shape[1], -1)
        return query[..., :0], weights / weights.sum(-1, keepdim=True).clamp(min=1)


def build_attention(
    kind: str, query: int, memory: int, size: int, heads: int = 1, coverage: bool = False
) -> Attention:
    """Builds the attention of a kind; sizes as in the classes above.

    Raises:
        UserError: for sizes that do not fit, or coverage where there is none.
    """
    if coverage and kind not in ("bahdanau", "concat"):
        raise UserError(
            f"model.decoder.coverage=true needs attention=bahdanau or concat; attention={kind} has none."
        )
    makers: dict[str, Callable[[], Attention]] = {
        "none": lambda: NoAttention(query, memory),
        "bahdanau": lambda: AdditiveAttention(query, memory, size, coverage),
        "concat": lambda: AdditiveAttention(query, memory, query, coverage),  # as wide as the decoder
        "dot": lambda: DotAttention(query, memory, general=False),
        "general": lambda: DotAttention(query, memory, general=True),
        "multihead": lambda: MultiHeadAttention(query, memory, size, heads),
    }
    return makers[kind]()
