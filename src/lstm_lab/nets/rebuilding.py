"""The same core in another backend, and another core in the place of each one of a net."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from lstm_lab.errors import UserError
from lstm_lab.nets.fused import choose_backend
from lstm_lab.nets.recurrent import Recurrent


def has_kernel(core: Recurrent) -> bool:
    """Whether torch has a fused kernel for what a core computes once it is trained."""
    return choose_backend("auto", core.cell, core.activation, 0.0, 0.0) == "torch"


def has_zoneout(core: Recurrent) -> bool:
    """Whether a core at rest is the average of two states, which no kernel knows."""
    return core.backend == "reference" and any(bool(cell.zoneout) for cell in core.cells)


def replace_cores(net: nn.Module, other: Callable[[Recurrent], nn.Module]) -> int:
    """Puts ``other(core)`` in the place of each recurrent core of a net, and returns how many there were."""
    cores = [(name, module) for name, module in net.named_modules() if isinstance(module, Recurrent)]
    for name, core in cores:
        parent, _, last = name.rpartition(".")
        setattr(net.get_submodule(parent), last, other(core))
    return len(cores)


def one_way_core(net: nn.Module, word: str) -> Recurrent:
    """Returns the core of a network whose answer follows from a state and what comes next.

    Args:
        net: a whole network.
        word: of the setting that asks for it, for the mistake.

    Raises:
        UserError: for a network without one core, or whose core reads in both directions, or has to see the whole.
    """
    core = getattr(net, "core", None)
    if not isinstance(core, Recurrent):
        raise UserError(
            f"{word} needs one recurrent core that reads the input; this network has another form."
        )
    if core.directions == 2:
        raise UserError(
            f"{word}: the second direction starts at the end of a sequence; train with model.bidirectional=false."
        )
    if core.whole:
        raise UserError(f"{word}: {core.whole}, so pieces are not the whole.")
    return core


def fused(core: Recurrent) -> Recurrent:
    """Returns a trained core of written-out cells in torch's kernels, without what only training needs.

    Raises:
        UserError: for one with zoneout.
    """
    if has_zoneout(core):
        raise UserError("model.zoneout is an average of two states at rest, which no fused kernel knows.")
    twin = _like(core, "torch")
    with torch.no_grad():
        for layer, direction in _places(core):
            pairs = zip(
                twin.layer_parameters(layer, direction), core.layer_parameters(layer, direction), strict=True
            )
            for target, source in pairs:
                target.copy_(source)  # type: ignore[union-attr, arg-type]
    return twin.eval().requires_grad_(False)


def written_out(core: Recurrent) -> Recurrent:
    """Returns a core of written-out cells that shares the parameters of another one, without its dropout."""
    if core.backend == "reference":  # its cells themselves, in a shell of their own
        twin = Recurrent.__new__(Recurrent)
        twin.__dict__.update(core.__dict__)
        twin.__dict__.pop("forward", None)
        twin.training = False
        return twin
    twin = _like(core, "reference")
    for cell, place in zip(twin.cells, _places(core), strict=True):
        weights = core.layer_parameters(*place)
        for name, weight in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), weights, strict=True):
            cell._parameters[name] = weight  # type: ignore[assignment]
    return twin.eval()


def _like(core: Recurrent, backend: str) -> Recurrent:
    """A core of the same sizes in a backend, its parameters new."""
    return Recurrent(
        core.layer_parameters(0, 0)[0].shape[1],
        core.widths,
        core.cell,
        bidirectional=core.directions == 2,
        activation=core.activation,
        backend=backend,
        residual=core.residual,
    )


def _places(core: Recurrent) -> Iterator[tuple[int, int]]:
    """Every layer and direction, in the order of cells and kernels."""
    return ((layer, direction) for layer in range(len(core.widths)) for direction in range(core.directions))
