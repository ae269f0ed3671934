"""What a trained model owes to each of its inputs: its error once that input belongs to other sequences.

Permutation importance (Breiman 2001, "Random forests", section 10), as model reliance (Fisher, Rudin & Dominici 2019):
an input is exchanged between sequences as a whole, so that it keeps its own course and loses its tie to the target.
Inputs that go together share what they know: exchanging one leaves the others, and makes pairs that never occur
(Hooker, Mentch & Zhou 2021).
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data import SequenceDataModule
from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.models import SequenceModel
from lstm_lab.probing.choosing import PARTS
from lstm_lab.spec import Values

# Sequences that are looked at if not said, and those that go through the net at a time.
SEQUENCES, _TOGETHER = 2000, 256


@torch.no_grad()
def measure(
    model: SequenceModel, data: SequenceDataModule, part: str, sequences: int | None = None, repeats: int = 10
) -> pd.DataFrame:
    """Returns a row an input, the one that counts most first.

    Args:
        model: all of its networks are asked, as for a prediction.
        data: where sequences come from.
        part: ``train``, ``validation`` or ``test``.
        sequences: how many of it, evenly spread; 2000 if not given.
        repeats: permutations of each input, from a fixed seed.

    Returns:
        ``input``; ``worse`` and ``sd``, mean and standard deviation over the repeats of what the error gains (or the
        accuracy loses, in points) by the permutation; ``ratio``, the error then over the error before; ``before``, the
        same in each row; ``metric`` and ``unit``.

    Raises:
        UserError: for data without named columns of numbers, or with one alone.
    """
    check_choice("part", part, PARTS)
    check_at_least("repeats", repeats, 2)
    if model.task.carries or not isinstance(data.spec.inputs, Values):
        raise UserError("probe=importance exchanges columns of numbers; this data has none.")
    columns = data.columns_by_input()
    if len(columns) < 2:
        raise UserError(f"probe=importance compares inputs; this data has one alone ({', '.join(columns)}).")
    wanted = SEQUENCES if sequences is None else sequences
    check_at_least("sequences", wanted, 2)
    batch = _evenly(data, part, wanted)
    metric = model.task.metric.partition("/")[2]
    accuracy = metric == "accuracy"
    generator = torch.Generator().manual_seed(0)
    before = _error(model, batch)
    rows = []
    for name, (read, ahead) in columns.items():
        orders = [torch.randperm(len(batch), generator=generator) for _ in range(repeats)]
        after = torch.tensor([_error(model, exchanged(batch, order, read, ahead)) for order in orders])
        worse = 100 * (before - after) if accuracy else after - before
        ratio = (1 - after.mean()) / max(1 - before, 1e-12) if accuracy else after.mean() / max(before, 1e-12)
        rows.append((name, float(worse.mean()), float(worse.std()), float(ratio)))
    table = pd.DataFrame(rows, columns=["input", "worse", "sd", "ratio"])
    table = table.sort_values("worse", ascending=False, kind="stable", ignore_index=True)
    return table.assign(
        before=100 * before if accuracy else before,
        metric=metric if accuracy else metric.upper(),
        unit="points" if accuracy else data.spec.unit,
        part=part,
        sequences=len(batch),
        repeats=repeats,
    )


def exchanged(batch: Batch, order: Tensor, read: list[int], ahead: list[int]) -> Batch:
    """The batch with some columns of its inputs taken from other rows.

    Where the donor is shorter it begins again, where it is longer the rest is left out; padding stays padding.

    Args:
        batch: with inputs (B, T, F).
        order: (B,), the donor of each row.
        read: columns of the inputs.
        ahead: columns of what is known ahead.
    """
    inputs, lengths, mask = batch.inputs.clone(), batch.lengths, batch.mask
    donor = torch.arange(inputs.shape[1]) % lengths[order][:, None]  # (B, T), the donor's step
    taken = batch.inputs[order[:, None], donor][..., read]  # (B, T, |read|)
    inputs[..., read] = torch.where(mask[..., None], taken, inputs[..., read])
    observed, future = batch.observed, batch.future
    if observed is not None:
        observed = observed.clone()
        observed[..., read] = batch.observed[order[:, None], donor][..., read]  # type: ignore[index]
    if future is not None and ahead:
        future = future.clone()
        future[..., ahead] = batch.future[order][..., ahead]  # type: ignore[index]
    return replace(batch, inputs=inputs, observed=observed, future=future)


def summary(table: pd.DataFrame) -> str:
    """One line: what was asked of whom, and the inputs that count most."""
    first, accuracy = table.iloc[0], table["metric"].iloc[0] == "accuracy"
    before = f"{first['before']:.4g} {'%' if accuracy else first['unit']}".rstrip()
    parts = [f"{row['input']} {row['worse']:.3g} ± {row['sd']:.1g}" for _, row in table.head(4).iterrows()]
    return (
        f"{first['metric']} {before} on {first['sequences']} sequences of the {first['part']} part; exchanging an "
        f"input {'takes' if accuracy else 'adds'} {', '.join(parts)}{', …' if len(table) > 4 else ''} "
        f"(mean ± sd of {first['repeats']})"
    )


def _evenly(data: SequenceDataModule, part: str, count: int) -> Batch:
    samples = data.samples(part)
    rows = torch.linspace(0, len(samples) - 1, min(count, len(samples))).round().long().unique()
    return samples.gather(rows)


def _error(model: SequenceModel, batch: Batch) -> float:
    """The monitored number of the task over a batch, in the user's units."""
    total, count = 0.0, 0.0
    for start in range(0, len(batch), _TOGETHER):
        some = batch[start : start + _TOGETHER].to(model.device)
        found = model.task.predict(list(model.members), model.weights, some)
        wrong, known = model.task.error(found, some)
        total, count = total + float(wrong), count + float(known)
    return total / max(count, 1.0)
