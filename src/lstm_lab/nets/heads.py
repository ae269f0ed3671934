"""From outputs of a core to log probabilities of symbols: one full softmax, tied or not, or an adaptive one.

Shapes: N places, H features of the core, E features of a symbol, V symbols.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.errors import UserError


class SoftmaxHead(nn.Module):
    """A linear layer and a softmax; its weights may be those of the embedding.

    Tying: Press & Wolf (2017), "Using the output embedding to improve language models"; Inan et al. (2017). Where
    H and E differ, a projection stands between, instead of an error.

    Args:
        size: H.
        symbols: V.
        embedding: the table (V, E) whose weight is shared; None for weights of its own.
    """

    def __init__(self, size: int, symbols: int, embedding: nn.Embedding | None = None) -> None:
        super().__init__()
        features = size if embedding is None else embedding.embedding_dim
        self.project = nn.Linear(size, features, bias=False) if features != size else nn.Identity()
        self.linear = nn.Linear(features, symbols)
        nn.init.uniform_(self.linear.weight, -0.1, 0.1)
        nn.init.zeros_(self.linear.bias)
        if embedding is not None:
            self.linear.weight = embedding.weight

    def logits(self, hidden: Tensor) -> Tensor:
        """Returns (…, V) for outputs (…, H), before the softmax."""
        return self.linear(self.project(hidden))

    def log_probabilities(self, hidden: Tensor) -> Tensor:
        """Returns (…, V) for outputs (…, H)."""
        return F.log_softmax(self.logits(hidden), dim=-1)

    def smoothed(self, hidden: Tensor, targets: Tensor, share: float) -> Tensor:
        """Returns the mean cross-entropy of targets (N,), of which a share is spread over all symbols.

        With logits z and the target t, ``(1 - ε)(-log p_t) + ε mean_j(-log p_j)`` is
        ``-log p_t + ε (z_t - mean_j z_j)``, and a mean of logits is the logit of a mean of weights. So smoothing
        costs (N, E); `torch.nn.functional.cross_entropy` takes (N, V) more, a third of the head's time.
        """
        features, weight, bias = self.project(hidden), self.linear.weight, self.linear.bias
        nats = F.cross_entropy(self.linear(features), targets)
        if not share:
            return nats
        towards = F.embedding(targets, weight) - weight.mean(0)  # (N, E)
        return nats + share * ((features * towards).sum(-1) + bias[targets] - bias.mean()).mean()

    def nats(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Returns the negative log probability (N,) of targets (N,) after outputs (N, H)."""
        return F.cross_entropy(self.logits(hidden), targets, reduction="none")


class AdaptiveHead(nn.Module):
    """The adaptive softmax: frequent symbols in a short list, rare ones in clusters that are rarely opened.

    Grave et al. (2017), "Efficient softmax approximation for GPUs". The likelihood is exact: a rare symbol's is that
    of its cluster times that within the cluster. Symbols have to be numbered by frequency, as those of `Tokenizer`
    are. With weights of their own, clusters have narrower vectors; tied, each symbol has its embedding.

    Args:
        size: H.
        symbols: V.
        cutoffs: where the clusters begin, rising.
        embedding: the table (V, E) whose weight is shared; None for weights of its own.
        narrowing: by how much each cluster's own vectors are narrower than those before.

    Raises:
        UserError: for cutoffs that do not rise within the vocabulary.
    """

    def __init__(
        self,
        size: int,
        symbols: int,
        cutoffs: Sequence[int],
        embedding: nn.Embedding | None = None,
        narrowing: float = 4.0,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs or cutoffs != sorted(set(cutoffs)) or not 0 < cutoffs[0] <= cutoffs[-1] < symbols:
            raise UserError(
                f"task.cutoffs={cutoffs} must rise between 1 and {symbols - 1}, the last number of a symbol."
            )
        self.borders = [0, *cutoffs, symbols]
        features = size if embedding is None else embedding.embedding_dim
        self.project = nn.Linear(size, features, bias=False) if features != size else nn.Identity()
        self.gates = nn.Linear(features, len(cutoffs))  # one a cluster, beside the short list
        self.bias = nn.Parameter(torch.zeros(symbols))
        self.weight = None if embedding is None else embedding.weight
        if embedding is None:
            widths = [features, *(max(1, int(features / narrowing ** (k + 1))) for k in range(len(cutoffs)))]
            self.narrow = nn.ModuleList(nn.Linear(features, width, bias=False) for width in widths[1:])
            sizes = [end - start for start, end in pairwise(self.borders)]
            self.own = nn.ParameterList(
                nn.Parameter(torch.empty(count, width).uniform_(-0.1, 0.1))
                for count, width in zip(sizes, widths, strict=True)
            )

    def _scores(self, hidden: Tensor, part: int) -> Tensor:
        """Returns the scores (N, symbols) of the short list (0) or of a cluster, before any softmax."""
        start, end = self.borders[part], self.borders[part + 1]
        if self.weight is not None:
            return F.linear(hidden, self.weight[start:end], self.bias[start:end])
        narrow = self.narrow[part - 1](hidden) if part else hidden
        return F.linear(narrow, self.own[part], self.bias[start:end])

    def _short(self, hidden: Tensor) -> Tensor:
        """Returns log probabilities (N, short list and clusters)."""
        return torch.cat([self._scores(hidden, 0), self.gates(hidden)], dim=-1).float().log_softmax(-1)

    def log_probabilities(self, hidden: Tensor) -> Tensor:
        """Returns (…, V) for outputs (…, H)."""
        hidden = self.project(hidden)
        short = self._short(hidden)
        count = self.borders[1]
        clusters = [
            self._scores(hidden, part).float().log_softmax(-1) + short[..., count + part - 1, None]
            for part in range(1, len(self.borders) - 1)
        ]
        return torch.cat([short[..., :count], *clusters], dim=-1)

    def nats(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Returns the negative log probability (N,) of targets (N,) after outputs (N, H)."""
        hidden = self.project(hidden)
        count, first = self.borders[1], targets
        for part in range(1, len(self.borders) - 1):
            inside = (targets >= self.borders[part]) & (targets < self.borders[part + 1])
            first = torch.where(inside, count + part - 1, first)
        nats = F.nll_loss(self._short(hidden), first, reduction="none")
        for part in range(1, len(self.borders) - 1):
            rows = (first == count + part - 1).nonzero().squeeze(1)
            scores = self._scores(hidden[rows], part).float()
            within = F.cross_entropy(scores, targets[rows] - self.borders[part], reduction="none")
            nats = nats.index_add(0, rows, within)
        return nats
