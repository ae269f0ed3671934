"""What stands before the recurrent core: from a batch as it was loaded to the vectors that a core reads.

Shapes: B sequences, T steps of input, T' steps that the core reads, F input features, I features for the core.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError, check_choice
from lstm_lab.nets.cnn import SmallCNN
from lstm_lab.nets.embedding import Embedding
from lstm_lab.nets.padding import real_steps
from lstm_lab.nets.resnet import ResNet18
from lstm_lab.nets.speech import SpeechFrontend
from lstm_lab.spec import Inputs, Values


class Standardise(nn.Module):
    """Values less their mean, over their standard deviation, both of the training part; padding becomes zero.

    Args:
        inputs: the values.
        statistics: ``mean`` and ``std``, F numbers each; without them values pass as they are.
        dropout: on the features of a step.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, inputs: Inputs, statistics: dict[str, Any], dropout: float = 0.0) -> None:
        super().__init__()
        assert isinstance(inputs, Values)
        self.output_size = inputs.size
        self.register_buffer("mean", torch.tensor(statistics.get("mean", [0.0] * inputs.size)))
        self.register_buffer("std", torch.tensor(statistics.get("std", [1.0] * inputs.size)))
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns (B, T, F) and the lengths (B,)."""
        # A column that never changes has nothing to say; it must not divide by zero either.
        values = (batch.inputs - self.mean) / torch.where(self.std > 0, self.std, 1.0)
        real = real_steps(batch.lengths, batch.inputs.shape[1])[..., None]
        return self.dropout(torch.where(real, values, 0.0)), batch.lengths


FRONTENDS: dict[str, Callable[..., Any]] = {
    "standardise": Standardise,
    "embedding": Embedding,
    "speech": SpeechFrontend,
    "cnn": SmallCNN,
    "resnet18": ResNet18,
}
_USUAL = {"Values": "standardise", "Tokens": "embedding", "Frames": "cnn"}


def build_frontend(
    inputs: Inputs, settings: dict[str, Any] | None = None, statistics: dict[str, Any] | None = None
) -> Any:
    """Builds a front end: a module with ``output_size``, from a `Batch` to (B, T', I) and lengths (B,).

    Args:
        inputs: what the data promises.
        settings: ``name`` and the front end's own; without a name it is the usual one for the kind of input.
        statistics: what the data measured on its training part.

    Raises:
        UserError: for a name or a setting that is not known.
    """
    more = {key: value for key, value in (settings or {}).items() if key != "name"}
    name = (settings or {}).get("name") or _USUAL[type(inputs).__name__]
    check_choice("model.frontend.name", name, FRONTENDS)
    try:
        return FRONTENDS[name](inputs, statistics or {}, **more)
    except TypeError as error:
        raise UserError(f"model.frontend: {str(error).partition(' ')[2]}.") from None
    except AssertionError:
        kind = type(inputs).__name__.lower()
        raise UserError(
            f"model.frontend.name={name} does not read {kind}. Usual: {_USUAL[type(inputs).__name__]}."
        ) from None
