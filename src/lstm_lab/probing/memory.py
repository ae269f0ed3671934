"""How long a state remembers: two networks that agree on everything but their past, until they agree on that too.

Each sequence is read for some steps. Then the state is exchanged for that of another sequence, and both go on with the
same input. What is left of the difference between the two states says how much of the past still counts.
"""

from __future__ import annotations

import pandas as pd
import torch
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.nets.replay import Call, longest, replayed
from lstm_lab.probing.choosing import run
from lstm_lab.tasks import Task


@torch.no_grad()
def measure(net: nn.Module, task: Task, batch: Batch, lag: int | None = None, after: int = 2) -> pd.DataFrame:
    """Returns a row a lag and thing remembered: ``lag``, ``what``, ``left``, the share that is left of the difference.

    Args:
        net: one network, in evaluation mode.
        task: how it is run.
        batch: at least two sequences.
        lag: the longest; as far as the shortest sequence goes if not given.
        after: steps that are read before the exchange.

    Raises:
        UserError: for sequences that are too few or too short.
    """
    with replayed(net) as calls:
        run(net, task, batch)
    call = longest(calls)
    real, x = call.real, call.x
    reach = int(real.max()) - after
    least = lag if lag is not None else max(1, int(real.min()) - after)
    kept = (real >= after + least).nonzero().flatten()
    if len(real) < 2:
        raise UserError(
            "memory exchanges the states of sequences, and there is only one: part=train may have more."
        )
    if after < 1 or least < 1 or len(kept) < 2:
        raise UserError(
            f"lag={least}, after={after}: two sequences of {after + least} steps are needed; here, with "
            f"after={after}, lags go from 1 to {reach}."
        )
    x = x[kept.to(x.device), : after + least]
    with replayed(call.core) as calls:
        _, state = call.core(x[:, :after])
        exchanged = [tuple(part.roll(1, dims=1) for part in layer) for layer in state]
        call.core(x[:, after:], None, state)
        call.core(x[:, after:], None, exchanged)
    rows = []
    for what, own, other in zip(*_paths(calls[1], calls[2], state, exchanged), strict=True):
        distance = (own - other).double().norm(dim=-1)  # (B, 1 + lag)
        moved = distance[:, 0] > 0
        left = (distance[moved] / distance[moved, :1]).mean(0) if moved.any() else distance.mean(0)
        rows += [(number, what, share) for number, share in enumerate(left.tolist())]
    return pd.DataFrame(rows, columns=["lag", "what", "left"])


def _paths(
    own: Call, other: Call, state: list, exchanged: list
) -> tuple[list[str], list[Tensor], list[Tensor]]:
    """Names and both paths (B, 1 + T, F) of everything that layers which read forward remember."""
    names: list[str] = []
    paths: tuple[list[Tensor], list[Tensor]] = ([], [])
    forward = [layer for layer in own.layers if not layer.backward]
    many = len(forward) > 1
    for layer in forward:
        twin = next(one for one in other.layers if one.number == layer.number and not one.backward)
        for place, name in enumerate(layer.remembers):
            names.append(f"{name}{layer.number}" if many else name)
            for found, run_, start in ((paths[0], layer, state), (paths[1], twin, exchanged)):
                found.append(torch.cat([start[layer.number - 1][place][0][:, None], run_.state(name)], dim=1))
    return names, *paths


def half_life(table: pd.DataFrame, what: str) -> int | None:
    """The first lag at which less than half is left, None if there is none."""
    rows = table[table["what"] == what]
    below = rows.loc[rows["left"] < 0.5, "lag"]
    return int(below.iloc[0]) if len(below) else None


def summary(table: pd.DataFrame) -> str:
    """One line: half-life and what is left, of each thing remembered."""
    last, parts = int(table["lag"].max()), []
    for what, rows in table.groupby("what", sort=False):
        half, left = half_life(table, str(what)), float(rows["left"].iloc[-1])
        gone = (
            f"half of it gone after {half}"
            if half is not None
            else f"more than half of it there after {last}"
        )
        parts.append(f"{what}: {gone} steps, {100 * left:.3g} % left after {last}")
    return "; ".join(parts)
