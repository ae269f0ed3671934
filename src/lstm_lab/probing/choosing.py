"""Which sequences a probe looks at, and what a person calls their steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.data import SequenceDataModule
from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.tasks import Task

PARTS = ("train", "validation", "test")
# Sequences among which the longest are looked for, where data does not say lengths without reading them.
_LOOKED_AT = 256


def longest_sequences(data: SequenceDataModule, part: str, count: int) -> Batch:
    """Returns the longest sequences of a part, so that large lags are there to be seen.

    Raises:
        UserError: for a part or a number that cannot be.
    """
    check_choice("part", part, PARTS)
    check_at_least("sequences", count, 1)
    samples = data.samples(part)
    lengths = getattr(samples, "lengths", None)
    if not isinstance(lengths, Tensor):
        rows = torch.linspace(0, len(samples) - 1, min(len(samples), max(count, _LOOKED_AT))).long().unique()
        if len(rows) <= count:
            return samples.gather(rows)
        batch = samples.gather(rows)
        return _cut(batch[batch.lengths.argsort(descending=True, stable=True)[:count]])
    return samples.gather(lengths.argsort(descending=True, stable=True)[:count].sort().values)


def one_sequence(data: SequenceDataModule, part: str, number: int) -> Batch:
    """Returns one sequence of a part.

    Raises:
        UserError: if there are not as many.
    """
    check_choice("part", part, PARTS)
    count = len(data.samples(part))
    if not 0 <= number < count:
        raise UserError(f"sample={number}: the {part} part has samples 0 to {count - 1}.")
    return _cut(data.samples(part).gather(torch.tensor([number])))


def run(net: nn.Module, task: Task, batch: Batch) -> None:
    """Runs a net over a batch, for what can be seen on the way."""
    if task.carries:
        net(batch)
    else:
        task.predict([net], torch.ones(1, device=batch.inputs.device), batch)


def step_names(processor: Any, batch: Batch, steps: int, data: SequenceDataModule | None = None) -> list[str]:
    """What a person calls each step that the core read of the first sequence of a batch: words, dates, numbers.

    Args:
        processor: knows the symbols, where there are some.
        batch: as the data gave it.
        steps: that the core read; fewer than the batch has where a front end joins or drops some.
        data: where the batch came from, if it did.
    """
    length, names = int(batch.lengths[0]), None
    # A translator has a tokenizer for what it reads and may have another for what it writes.
    tokenizer: Any = getattr(processor, "tokenizer", None) or getattr(processor, "source", None)
    if hasattr(tokenizer, "symbol") and batch.inputs.ndim == 2:
        names = [tokenizer.symbol(number) for number in batch.inputs[0, :length].tolist()]
    elif data is not None:
        names = data.names_of_steps(batch)
    if names is None or len(names) < steps:
        return [str(number) for number in range(1, steps + 1)]
    return names[len(names) - steps :]  # what is dropped is dropped at the beginning, as by differences


def _cut(batch: Batch) -> Batch:
    """The batch without steps that are padding in every row."""
    steps = int(batch.lengths.max())
    if batch.inputs.shape[1] == steps:
        return batch
    return Batch(
        batch.inputs[:, :steps],
        batch.lengths,
        batch.keys,
        batch.targets,
        None if batch.observed is None else batch.observed[:, :steps],
        batch.future,
        batch.fresh,
    )
