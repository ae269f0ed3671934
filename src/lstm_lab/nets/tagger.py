"""A label for each step of a sequence.

Shapes: B sequences, T steps, I features of the front end, N of the core, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.nets.crf import CRF
from lstm_lab.nets.dropout import locked_dropout
from lstm_lab.nets.padding import real_steps


class Convolutions(nn.Module):
    """Convolutions along time that see nothing of the padding, each with its input beside its output.

    Args:
        size: I.
        channels: of each layer; none for no layer.
        kernel: steps that each sees, odd.
    """

    def __init__(self, size: int, channels: Sequence[int], kernel: int) -> None:
        super().__init__()
        if kernel < 1 or kernel % 2 == 0:
            raise UserError(f"task.kernel={kernel} must be odd and at least 1.")
        sizes = [size]
        for width in channels:
            sizes.append(sizes[-1] + width)
        self.layers = nn.ModuleList(
            nn.Conv1d(before, width, kernel, padding=kernel // 2)
            for before, width in zip(sizes, channels, strict=False)
        )
        self.output_size = sizes[-1]

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Returns (B, T, I + channels), zero on padding."""
        real = real_steps(lengths.to(x.device), x.shape[1])[..., None]
        x = torch.where(real, x, 0.0)
        for layer in self.layers:
            y = torch.relu(layer(x.transpose(1, 2))).transpose(1, 2)  # (B, T, channels)
            x = torch.cat([x, torch.where(real, y, 0.0)], dim=-1)
        return x


class SequenceTagger(nn.Module):
    """Front end, convolutions, recurrent core, and a linear layer at each step; labels alone, or judged together.

    Args:
        frontend: from a batch to what is read.
        convolutions: see `Convolutions`.
        core: the recurrent core.
        labels: C.
        dropout: on what goes into the core and comes out of it, one mask for all steps.
        crf: whether neighbouring labels are judged together.
    """

    def __init__(
        self,
        frontend: nn.Module,
        convolutions: Convolutions,
        core: nn.Module,
        labels: int,
        dropout: float = 0.0,
        crf: bool = False,
    ) -> None:
        super().__init__()
        self.frontend, self.convolutions, self.core, self.dropout = frontend, convolutions, core, dropout
        self.head = nn.Linear(core.output_size, labels)  # type: ignore[arg-type]
        self.crf = CRF(labels) if crf else None

    def forward(self, batch: Batch) -> Tensor:
        """Returns scores (B, T, C)."""
        x, lengths = self.frontend(batch)
        x = locked_dropout(self.convolutions(x, lengths), self.dropout, self.training)
        outputs, _ = self.core(x, lengths)
        return self.head(locked_dropout(outputs, self.dropout, self.training))
