"""Matrices of eight bits, a scale for each row: tables of symbols, linear layers and heads.

A row is rounded to whole numbers between -127 and 127 times its scale, so that no weight is off by more than half a
scale. What is multiplied with it stays as it is, and products are summed as float: an answer depends on nothing that
stands beside it in a batch, and a stream on nothing that comes later.

Shapes: N rows, K features of a row; V symbols, E features of a symbol, H features of the core.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.nets.heads import AdaptiveHead

LARGEST = 127  # -128 is left out, so that zero lies in the middle


def rounded(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Returns a matrix (N, K) as whole numbers (N, K) int8 and scales (N,), its product with which is nearest to it.

    Scales are rounded up to eight binary digits: that costs less than a hundredth of a step, and a file keeps them in a
    third of the space, which is much where rows are short.
    """
    scales = weight.detach().abs().amax(dim=1) / LARGEST
    digits, exponents = torch.frexp(torch.where(scales > 0, scales, 1.0))  # a row of zeros has any
    scales = torch.ldexp((digits * 256).ceil() / 256, exponents)
    return (weight.detach() / scales[:, None]).round().to(torch.int8), scales


class Rows(nn.Module):
    """A rounded matrix; layers that share a weight share one of these.

    Args:
        weight: (N, K).
    """

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.numbers: Tensor
        self.scales: Tensor
        for name, part in zip(("numbers", "scales"), rounded(weight), strict=True):
            self.register_buffer(name, part)

    def forward(self, x: Tensor, start: int = 0, end: int | None = None) -> Tensor:
        """Returns the products (…, rows) of features (…, K) with the rows from `start` to `end`."""
        return F.linear(x, self.numbers[start:end].to(x.dtype)) * self.scales[start:end]

    def of(self, places: Tensor) -> Tensor:
        """Returns the rows (…, K) at places (…)."""
        return self.numbers[places].float() * self.scales[places, None]

    @property
    def weight(self) -> Tensor:
        """The matrix as float, (N, K)."""
        return self.numbers.float() * self.scales[:, None]


class Int8Table(nn.Module):
    """In the place of an `nn.Embedding`."""

    def __init__(self, rows: Rows) -> None:
        super().__init__()
        self.rows = rows
        self.num_embeddings, self.embedding_dim = rows.numbers.shape

    def forward(self, symbols: Tensor) -> Tensor:
        """Returns (…, E) for symbols (…)."""
        return self.rows.of(symbols)

    @property
    def weight(self) -> Tensor:
        """The table as float, for what looks into it by itself, (V, E)."""
        return self.rows.weight


class Int8Linear(nn.Module):
    """In the place of an `nn.Linear`; the bias keeps its 32 bits."""

    def __init__(self, rows: Rows, bias: Tensor | None) -> None:
        super().__init__()
        self.rows = rows
        self.out_features, self.in_features = rows.numbers.shape
        self.register_buffer("bias", None if bias is None else bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """Returns (…, N) for features (…, K)."""
        found = self.rows(x)
        return found if self.bias is None else found + self.bias

    @property
    def weight(self) -> Tensor:
        """The matrix as float, (N, K)."""
        return self.rows.weight


class Int8AdaptiveHead(AdaptiveHead):
    """An `AdaptiveHead` whose clusters are rounded; it takes over all other parts of the one that it is made of.

    Args:
        head: at rest.
        rows: of the table that it shares, or of each cluster.
    """

    def __init__(self, head: AdaptiveHead, rows: list[Rows]) -> None:
        nn.Module.__init__(self)
        self.borders, self.project, self.gates = head.borders, head.project, head.gates
        self.register_buffer("bias", head.bias.detach().clone())
        self.shared = head.weight is not None
        self.narrow = nn.ModuleList() if self.shared else head.narrow
        self.rows = nn.ModuleList(rows)

    def _scores(self, hidden: Tensor, part: int) -> Tensor:
        start, end = self.borders[part], self.borders[part + 1]
        if self.shared:
            return self.rows[0](hidden, start, end) + self.bias[start:end]
        narrow = self.narrow[part - 1](hidden) if part else hidden
        return self.rows[part](narrow) + self.bias[start:end]


class Rounding:
    """Rounds the tables, linear layers and heads of one network, each weight once whoever shares it."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Tensor, Rows]] = {}

    def rows(self, weight: Tensor) -> Rows:
        """Returns the rounded matrix; the same one for the same weight."""
        # The weight is kept beside it, so that its id stays its own.
        return self._known.setdefault(id(weight), (weight, Rows(weight)))[1]

    def apply(self, net: nn.Module) -> None:
        """Puts rounded layers in the place of a net's own."""
        for name, module in list(net.named_children()):
            if isinstance(module, AdaptiveHead):
                self.apply(module)
                shared = [module.weight] if module.weight is not None else list(module.own)
                setattr(net, name, Int8AdaptiveHead(module, [self.rows(one) for one in shared]))
            elif isinstance(module, nn.Embedding):
                setattr(net, name, Int8Table(self.rows(module.weight)))
            elif type(module) is nn.Linear:
                setattr(net, name, Int8Linear(self.rows(module.weight), module.bias))
            else:
                self.apply(module)
