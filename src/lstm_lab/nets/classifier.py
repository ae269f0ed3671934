"""One label for a whole sequence."""

from __future__ import annotations

from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.nets.pooling import Pooling
from lstm_lab.nets.recurrent import Recurrent


class SequenceClassifier(nn.Module):
    """Front end, recurrent core, pooling, and a linear layer.

    Args:
        frontend: from a batch to what the core reads, see `lstm_lab.nets.frontend`.
        core: the recurrent core.
        classes: C.
        pooling: ``last``, ``mean``, ``max`` or ``attention``.
        dropout: on the pooled vector.
    """

    def __init__(
        self,
        frontend: nn.Module,
        core: Recurrent,
        classes: int,
        pooling: str = "last",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.frontend, self.core = frontend, core
        self.pooling = Pooling(pooling, core.output_size)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(core.output_size, classes)

    def forward(self, batch: Batch) -> Tensor:
        """Returns logits (B, C)."""
        x, lengths = self.frontend(batch)  # (B, T', I)
        outputs, state = self.core(x, lengths)
        return self.head(self.dropout(self.pooling(outputs, lengths, state)))
