"""The traveller: one object for every kind of sequence, from the loader to the loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """A batch of sequences, padded on the right.

    Shapes: B sequences, T steps of the longest one.

    Attributes:
        inputs: (B, T, F) values, (B, T) tokens or (B, T, C, H, W) frames.
        lengths: (B,) int64, the real steps of each sequence.
        targets: tensors by name, each with B as its first dimension.
        keys: (B,) int64, which sample of the data set each row is. Evaluation gathers predictions by it,
            so that every sample counts once on any number of processes.
        observed: (B, T, F) bool or None, False where an input value was missing and has been filled.
        future: (B, S, K) or None, what is known ahead (calendar, plans) for each of the S steps to predict.
        fresh: (B,) bool or None, True where a state that is carried along a stream begins anew.
    """

    inputs: Tensor
    lengths: Tensor
    keys: Tensor
    targets: dict[str, Tensor] = field(default_factory=dict)
    observed: Tensor | None = None
    future: Tensor | None = None
    fresh: Tensor | None = None

    def __len__(self) -> int:
        return self.inputs.shape[0]

    @property
    def mask(self) -> Tensor:
        """(B, T) bool, True on real steps, False on padding."""
        steps = torch.arange(self.inputs.shape[1], device=self.lengths.device)
        return steps[None, :] < self.lengths[:, None]

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yields every tensor with its name (targets as ``targets.<name>``)."""
        for name in ("inputs", "lengths", "keys", "observed", "future", "fresh"):
            value = getattr(self, name)
            if value is not None:
                yield name, value
        for name, value in self.targets.items():
            yield f"targets.{name}", value

    def _map(self, function: Any) -> Batch:
        return replace(
            self,
            inputs=function(self.inputs),
            lengths=function(self.lengths),
            keys=function(self.keys),
            targets={name: function(value) for name, value in self.targets.items()},
            observed=None if self.observed is None else function(self.observed),
            future=None if self.future is None else function(self.future),
            fresh=None if self.fresh is None else function(self.fresh),
        )

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Batch:
        """Returns the batch on `device`; `self` if it is there already."""
        if self.inputs.device == torch.device(device):
            return self
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Batch:
        """Returns the batch in page-locked memory."""
        return self._map(lambda tensor: tensor.pin_memory())

    def __getitem__(self, rows: Any) -> Batch:
        """Returns some rows (a slice, or an index tensor) as a batch."""
        return self._map(lambda tensor: tensor[rows])

    @classmethod
    def pad(
        cls,
        sequences: Sequence[Tensor],
        keys: Sequence[int] | None = None,
        targets: dict[str, Sequence[Tensor]] | None = None,
        value: float = 0,
    ) -> Batch:
        """Pads sequences of different lengths to the longest.

        Args:
            sequences: one (T_i, …) tensor a sample.
            keys: index of each sample; 0, 1, … if not given.
            targets: by name, one tensor a sample; those of different lengths are padded with `value` too.
            value: what fills the end, the pad symbol for tokens.
        """
        join = torch.nn.utils.rnn.pad_sequence
        return cls(
            inputs=join(list(sequences), batch_first=True, padding_value=value),  # (B, T, …)
            lengths=torch.tensor([len(sequence) for sequence in sequences]),
            keys=torch.arange(len(sequences)) if keys is None else torch.as_tensor(keys),
            targets={
                name: join([torch.atleast_1d(one) for one in values], batch_first=True, padding_value=value)
                if values[0].ndim
                else torch.stack(list(values))
                for name, values in (targets or {}).items()
            },
        )
