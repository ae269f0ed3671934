"""Whole hidden units taken out of a trained network, so that what remains is an ordinary, smaller one.

A unit is the rows of all gates that write it, its column in the recurrent weights, and the columns that read it in the
next layer or in whatever stands behind the core: the intrinsic sparse structure of Wen et al. (2018), "Learning
intrinsic sparse structures within long short-term memory". If nothing reads a unit, no answer changes without it.

Shapes: I inputs, H units and K of them kept, G gates, D directions, N = D*H features of a core.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lstm_lab.errors import UserError
from lstm_lab.models import SequenceModel
from lstm_lab.nets.recurrent import Recurrent

CELLS = ("rnn", "gru", "lstm", "lstm1997", "lstm_peephole", "mingru", "minlstm", "slstm")
"""Cells in which units meet in the recurrent weights alone; others normalise, mix or group them."""

_TIED = "head.project.weight"
"""What a language model gets when its core becomes narrower than the vectors that it shares with its head."""

Kept = list[list[Tensor]]
"""Numbers of the units that stay (K,), rising, by layer and direction."""


def check_units(core: dict[str, Any], run: str) -> None:
    """Refuses networks whose units cannot be taken out one by one.

    Args:
        core: ``cell``, ``residual`` and so on, as the model was given them.
        run: its name, for the mistake.
    """
    reason = ""
    if core["cell"] not in CELLS:
        reason = f"cell={core['cell']} does not keep its units apart. Cells that do: {', '.join(CELLS)}"
    elif core.get("residual") and core["num_layers"] > 1:
        reason = "model.residual=true adds each unit to that of the layer above"
    elif core.get("decoder") is not None:
        reason = "a decoder goes on from the state of its encoder"
    if reason:
        raise UserError(f"start={run}: prune.by=units cannot be: {reason}. Allowed: prune.by=weights.")


@torch.no_grad()
def narrow(content: dict[str, Any], small: SequenceModel) -> None:
    """Gives a narrower model the most important units of a trained one.

    Args:
        content: checkpoint of the trained model.
        small: the same but for the widths of its layers; changed in place.

    Raises:
        UserError: for a network in which more than the core depends on the number of units.
    """
    big = SequenceModel(**content["hyper_parameters"])
    big.load_state_dict(content["state_dict"])
    for net, other in zip(big.members, small.members, strict=True):
        name, core = _core(net)
        _, target = _core(other)
        readers = _readers(net, other, name)
        kept = choose(core, target.widths, [weight.movedim(dim, -1) for weight, dim in readers])
        _fill_core(core, target, kept)
        _fill_rest(net, other, name, kept[-1], core.widths[-1])


def choose(core: Recurrent, widths: list[int], readers: list[Tensor]) -> Kept:
    """Returns the most important units of each layer and direction.

    Important is what is written with large weights and read with large ones: the norm of the rows of a unit times the
    norm of the columns that read it. What nobody reads is worth nothing, however large its own weights are.

    Args:
        core: a trained core.
        widths: how many units of each layer stay.
        readers: weights (…, N) that read the outputs of the last layer.
    """
    kept: Kept = []
    for layer, (units, stay) in enumerate(zip(core.widths, widths, strict=True)):
        if layer + 1 < len(core.widths):
            above = [core.layer_parameters(layer + 1, one)[0] for one in range(core.directions)]
        else:
            above = readers
        kept.append([])
        for direction in range(core.directions):
            weight_ih, weight_hh, *_ = core.layer_parameters(layer, direction)
            own = slice(direction * units, (direction + 1) * units)
            read = torch.stack([one[..., own].reshape(-1, units).square().sum(0) for one in above]).sum(0)
            written = weight_ih.reshape(-1, units, weight_ih.shape[1]).square().sum((0, 2))  # (H,)
            if weight_hh is not None:
                read = read + weight_hh.square().sum(0)
                written = written + weight_hh.reshape(-1, units, units).square().sum((0, 2))
            merit = (read * written).sqrt()
            kept[-1].append(merit.argsort(descending=True, stable=True)[:stay].sort().values)
    return kept


def _fill_core(core: Recurrent, target: Recurrent, kept: Kept) -> None:
    for layer, units in enumerate(core.widths):
        for direction in range(core.directions):
            stay = kept[layer][direction]
            columns = None if layer == 0 else _beside(kept[layer - 1], core.widths[layer - 1])
            pairs = zip(
                target.layer_parameters(layer, direction),
                core.layer_parameters(layer, direction),
                (columns, stay, None, None),
                strict=True,
            )
            for new, old, read in pairs:
                if new is None or old is None:
                    continue
                rows = _beside([stay] * (old.shape[0] // units), units)  # of all gates
                new.copy_(old[rows] if read is None else old[rows][:, read])
            if core.backend == "reference":
                _fill_peepholes(core, target, layer * core.directions + direction, stay)


def _fill_peepholes(core: Recurrent, target: Recurrent, place: int, stay: Tensor) -> None:
    """What a cell has besides its weights and biases: one number a unit."""
    for name, new in target.cells[place].named_parameters():
        if not name.startswith(("weight_", "bias_")):
            new.copy_(core.cells[place].get_parameter(name)[stay])


def _fill_rest(net: nn.Module, other: nn.Module, core: str, kept: list[Tensor], units: int) -> None:
    """Everything but the core: what reads it loses columns, the rest stays as it is."""
    columns, features = _beside(kept, units), units * len(kept)
    old = dict(net.named_parameters())
    for name, new in other.named_parameters():
        if name.startswith(f"{core}."):
            continue
        if name not in old:  # each unit that stays goes where it was
            new.zero_()
            new[columns, torch.arange(len(columns))] = 1.0
            continue
        found = old[name].detach()
        for dim in _narrowed(found, new):
            beside = torch.arange(features, found.shape[dim])  # what else is read there
            found = found.index_select(dim, torch.cat([columns, beside]))
        new.copy_(found)


def _readers(net: nn.Module, other: nn.Module, core: str) -> list[tuple[Tensor, int]]:
    """The weights that read the core's outputs, and along which dimension.

    They are known by their shape: they alone are smaller in the narrower network.
    """
    features, fewer = (_core(one)[1].output_size for one in (net, other))
    old, new = dict(net.named_parameters()), dict(other.named_parameters())
    found = []
    for name in old:
        if name.startswith(f"{core}."):
            continue
        shrunk = _narrowed(old[name], new[name]) if name in new and old[name].ndim == new[name].ndim else None
        if shrunk is None or any(
            old[name].shape[dim] - new[name].shape[dim] != features - fewer for dim in shrunk
        ):
            raise UserError(
                f"prune.by=units: {name} changes with the number of units in a way of its own."
                " Allowed: another prune.amount, or prune.by=weights."
            )
        found += [(old[name], dim) for dim in shrunk]
    if _TIED in new and _TIED not in old:
        found.append((net.get_parameter("frontend.table.weight"), 1))
    return [(weight.detach().narrow(dim, 0, features), dim) for weight, dim in found]


def _core(net: nn.Module) -> tuple[str, Recurrent]:
    """The recurrent core of a network with its name."""
    found = [(name, one) for name, one in net.named_modules() if isinstance(one, Recurrent)]
    if len(found) != 1:
        raise UserError(f"prune.by=units is for networks with one recurrent core; this one has {len(found)}.")
    return found[0]


def _narrowed(old: Tensor, new: Tensor) -> list[int]:
    return [dim for dim, (one, other) in enumerate(zip(old.shape, new.shape, strict=True)) if one != other]


def _beside(kept: list[Tensor], units: int) -> Tensor:
    """Numbers of units of several blocks of H as numbers of what stands beside each other."""
    return torch.cat([stay + block * units for block, stay in enumerate(kept)])
