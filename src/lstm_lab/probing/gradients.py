"""How far back learning reaches: the norm of the loss's gradient by the lag of the step that it belongs to.

Hochreiter (1991) and Bengio, Simard & Frasconi (1994), "Learning long-term dependencies with gradient descent is
difficult": in a simple recurrent network it falls, or grows, as a power of the lag.
"""

from __future__ import annotations

import pandas as pd
import torch
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.nets.padding import flip
from lstm_lab.nets.replay import Call, longest, replayed
from lstm_lab.tasks import Task


def measure(net: nn.Module, task: Task, batch: Batch, lag: int | None = None) -> pd.DataFrame:
    """Returns a row a lag and quantity: ``lag``, ``what``, ``norm``, and ``relative`` to the norm at lag 1.

    ``x`` is the input of the core, ``h`` its output, ``c`` and others what it remembers besides; derivatives are total
    ones, along all ways through later steps. With several layers their numbers follow the letters. The loss is what is
    decided at the end, `Task.loss_at_end`; the norm is a mean over sequences.

    Args:
        net: one network, in evaluation mode. Its weights get no gradient.
        task: whose loss it is.
        batch: sequences with targets.
        lag: the longest; that of the shortest sequence if not given.

    Raises:
        UserError: for a lag that no sequence has.
    """
    with torch.enable_grad(), replayed(net) as calls:
        loss = task.loss_at_end(net, batch)
    call = longest(calls)
    real = call.real
    kept = torch.arange(len(real)) if lag is None else (real > lag).nonzero().flatten()
    reach = int(real.max()) - 1
    if not len(kept) or (lag is not None and lag < 1):
        raise UserError(
            f"lag={lag}: the longest of these sequences has {reach + 1} steps, so lags go from 1 to {reach}."
        )
    lag = int(real.min()) - 1 if lag is None else lag
    wanted = _wanted(call)
    flat = [tensor for tensors in wanted.values() for tensor in tensors]
    # Of the sum over sequences, so that each has the gradient of its own loss.
    found = iter(torch.autograd.grad(loss * len(real), flat, allow_unused=True))
    rows = []
    for what, tensors in wanted.items():
        grads = [torch.zeros_like(one) if (grad := next(found)) is None else grad for one in tensors]
        by_step = grads[0] if what == "x" else torch.stack(grads, dim=1)  # (B, T, F)
        norms = flip(by_step, real.to(by_step.device))[kept, : lag + 1].double().norm(dim=-1).mean(0).tolist()
        at_one = norms[1] if len(norms) > 1 else float("nan")
        rows += [
            (number, what, norm, norm / at_one if at_one else float("nan"))
            for number, norm in enumerate(norms)
        ]
    return pd.DataFrame(rows, columns=["lag", "what", "norm", "relative"])


def _wanted(call: Call) -> dict[str, list[Tensor]]:
    """The input and the states of the layers that read forward, each with its name."""
    wanted = {"x": [call.x]}
    forward = [layer for layer in call.layers if not layer.backward]
    for layer in forward:
        number = str(layer.number) if len(forward) > 1 else ""
        for place, name in enumerate(layer.remembers):
            parts = [state[place] for state in layer.states]
            if all(part.requires_grad for part in parts):  # not the exponents of an xLSTM, which no loss sees
                wanted[name + number] = parts
    return wanted


def summary(table: pd.DataFrame) -> str:
    """One line: what is left of each gradient at the longest lag."""
    if not (table["norm"] > 0).any():
        return (
            "no gradient reaches the recurrent core: what reads it begins at zero, and has not been trained"
        )
    last = int(table["lag"].max())
    rows = table[table["lag"] == last]
    parts = [f"{what} {relative:.1e}" for what, relative in zip(rows["what"], rows["relative"], strict=True)]
    return f"gradient at lag {last} over lag 1: {', '.join(parts)}"
