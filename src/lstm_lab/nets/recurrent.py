"""The recurrent core: any cell, any depth, one or both directions, with one word.

Padding, batch size and order never change a result; `lstm_lab.nets.padding` says how.

Shapes: B sequences, T steps, I inputs, D directions, H units (of a layer), L layers.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.nets.cell import ACTIVATIONS, CELLS, Cell, CellState
from lstm_lab.nets.dropout import locked_dropout, run_dropped
from lstm_lab.nets.fused import as_autocast_has_it, build_kernels, choose_backend
from lstm_lab.nets.padding import Weights, all_full, flip, real_steps, run_kernel

State = list[CellState]
"""One entry a layer, each a tuple of tensors (D, B, F), what the cell remembers with the output ``h`` first:
``(h, c)`` of most LSTMs, ``(h,)`` of most others. F is H, but for what holds a matrix or a number a head."""


LayerWeights = tuple[Tensor, Tensor | None, Tensor, Tensor | None]
"""``weight_ih, weight_hh, bias_ih, bias_hh`` of a layer; the recurrent ones are None where a cell does not recur."""


class Recurrent(nn.Module):
    """A stack of recurrent layers.

    Args:
        input_size: I.
        hidden_size: units of every layer, or a list with those of each (`num_layers` then follows).
        cell: one of `lstm_lab.nets.cell.CELLS`.
        num_layers: L.
        bidirectional: a second direction in each layer, its outputs beside the first's.
        dropout: probability on the outputs of all layers but the last.
        recurrent_dropout: probability on the recurrent ``h``, one mask for all steps of a sequence (Gal &
            Ghahramani 2016, "A theoretically grounded application of dropout in recurrent neural networks").
        activation: ``tanh`` or ``relu``, see `lstm_lab.nets.cell`.
        backend: ``torch`` for the fused kernels, ``reference`` for the written-out cells; ``auto`` takes the
            kernels where they can do what is asked.
        locked: dropout between layers has one mask for all steps of a sequence (Gal & Ghahramani 2016).
        weight_drop: probability on the recurrent weights, drawn once a call (Wan et al. 2013, DropConnect; Merity
            et al. 2018, "Regularizing and optimizing LSTM language models"). The fused kernels stay in use.
        zoneout: probability that a unit keeps what it remembered (Krueger et al. 2017).
        residual: the input of each layer but the first is added to its outputs, where their sizes are equal.
        heads: into which the units of each layer are divided, in the cells that have them.

    Attributes:
        backend: ``torch`` or ``reference``, what ``auto`` has become.
        output_size: D*H of the last layer.
        whole: why pieces of a sequence, each from the state of the one before, are not the whole; empty where they are.

    Raises:
        UserError: sizes or options that cannot be, or that the ``torch`` backend cannot do.
    """

    whole = ""

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        cell: str = "lstm",
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        activation: str = "tanh",
        backend: str = "auto",
        locked: bool = False,
        weight_drop: float = 0.0,
        zoneout: float = 0.0,
        residual: bool = False,
        heads: int = 1,
    ) -> None:
        super().__init__()
        self.widths = _widths(hidden_size, num_layers)
        check_at_least("input_size", input_size, 1)
        check_choice("cell", cell, CELLS)
        check_choice("activation", activation, ACTIVATIONS)
        shares = {"dropout": dropout, "recurrent_dropout": recurrent_dropout, "weight_drop": weight_drop}
        for name, share in {**shares, "zoneout": zoneout}.items():
            if not 0 <= share < 1:
                raise UserError(f"{name}={share} is no probability: it must be at least 0 and below 1.")
        options: dict[str, float | str] = {"zoneout": zoneout, "activation": activation, "heads": heads}
        for name, value in {**shares, **options}.items():
            _check_place(cell, name, value)
        self.backend = choose_backend(backend, cell, activation, recurrent_dropout, zoneout)
        self.locked, self.weight_drop, self.residual = locked, weight_drop, residual
        self.cell, self.activation = cell, activation
        self.directions = 2 if bidirectional else 1
        self.dropout, self.recurrent_dropout = dropout, recurrent_dropout
        self.output_size = self.directions * self.widths[-1]
        inputs = [input_size, *(self.directions * width for width in self.widths[:-1])]
        if self.backend == "reference":
            self.cells = nn.ModuleList(
                CELLS[cell](size, width, activation, **({} if heads == 1 else {"heads": heads}))
                for size, width in zip(inputs, self.widths, strict=True)
                for _ in range(self.directions)
            )
            for one in self.cells:
                one.zoneout = zoneout  # type: ignore[assignment]
        else:
            parted = locked or residual  # something comes between layers that no kernel knows of
            self.kernels = build_kernels(
                cell, activation, inputs, self.widths, bidirectional, dropout, parted
            )

    def reset_parameters(self) -> None:
        """Draws every parameter from U(-1/√H, 1/√H), as torch does; see `lstm_lab.nets.init` for more."""
        for part in self.cells if self.backend == "reference" else self.kernels:
            part.reset_parameters()  # type: ignore[operator]

    def layer_parameters(self, layer: int, direction: int) -> LayerWeights:
        """Returns the parameters of one layer and direction, in either backend."""
        if self.backend == "reference":
            cell = self._cell(layer, direction)
            recurrent = (cell.weight_hh, cell.bias_hh) if cell.recurs else (None, None)
            return cell.weight_ih, recurrent[0], cell.bias_ih, recurrent[1]
        kernel, within = (self.kernels[0], layer) if len(self.kernels) == 1 else (self.kernels[layer], 0)
        return tuple(kernel.all_weights[within * self.directions + direction])  # type: ignore

    def _cell(self, layer: int, direction: int) -> Cell:
        return self.cells[layer * self.directions + direction]  # type: ignore[return-value]

    @property
    def gate_sizes(self) -> list[tuple[int, ...]]:
        """Rows of each gate in the weights, a tuple a layer."""
        if self.backend == "reference":
            return [self._cell(layer, 0).gate_sizes for layer in range(len(self.widths))]
        return [(width,) * len(CELLS[self.cell].gates) for width in self.widths]

    @property
    def state_sizes(self) -> list[tuple[int, ...]]:
        """Features of each thing remembered, a tuple a layer."""
        if self.backend == "reference":
            return [self._cell(layer, 0).state_sizes for layer in range(len(self.widths))]
        return [(width,) * len(CELLS[self.cell].remembers) for width in self.widths]

    def initial_state(
        self, batch_size: int, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> State:
        """Returns a state of zeros."""
        return [
            tuple(torch.zeros(self.directions, batch_size, f, device=device, dtype=dtype) for f in sizes)
            for sizes in self.state_sizes
        ]

    def dropout_masks(
        self, batch_size: int, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> list[Tensor] | None:
        """Draws what recurrent dropout multiplies ``h`` with: (D, B, H) a layer; None where there is none."""
        if not (self.training and self.recurrent_dropout):
            return None
        ones = (torch.ones(self.directions, batch_size, w, device=device, dtype=dtype) for w in self.widths)
        return [F.dropout(one, self.recurrent_dropout) for one in ones]

    def forward(
        self,
        x: Tensor,
        lengths: Tensor | None = None,
        state: State | None = None,
        masks: list[Tensor] | None = None,
    ) -> tuple[Tensor, State]:
        """Runs over whole sequences.

        Args:
            x: (B, T, I), padded on the right with anything.
            lengths: (B,) int64, the real steps of each; None says that all are real and is the fastest way.
                Lengths on the CPU are looked at for that too, but not those on an accelerator: it would wait.
            state: where to start from; zeros if not given.
            masks: of `dropout_masks`, for sequences that come in pieces; drawn here if not given.

        Returns:
            The last layer's outputs (B, T, D*H), zero on padding, and the state after each last real step (of
            the backward direction: after the first step, where that direction ends).
        """
        if lengths is not None:
            lengths = None if all_full(lengths, x.shape[1]) else lengths.to(x.device)
        if self.backend == "torch" and self.cell == "lstm":
            x, state = as_autocast_has_it(x, state)
        if self.backend == "torch" and lengths is None:
            return self._run_kernels(x, state)
        if masks is None:
            masks = self.dropout_masks(x.shape[0], x.device, x.dtype)
        return self._run_layers(x, lengths, state, masks)

    def step(
        self, x_t: Tensor, state: State | None = None, masks: list[Tensor] | None = None
    ) -> tuple[Tensor, State]:
        """Runs one step, (B, I) to (B, H); a loop of it is `forward`.

        Raises:
            ValueError: with two directions (the second starts at the end), or when recurrent dropout is on
                and no `masks` are given: a mask drawn anew at each step would be another method.
        """
        if self.directions == 2:
            raise ValueError("a bidirectional net has no step: its second direction starts at the end")
        if masks is None and self.training and self.recurrent_dropout:
            raise ValueError(
                "recurrent dropout needs one mask a sequence: hand dropout_masks() to every step"
            )
        outputs, state = self.forward(x_t[:, None], state=state, masks=masks)
        return outputs[:, 0], state

    def _run_kernels(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        """All steps real: each fused module once, over all its layers."""
        result: State = []
        for number, kernel in enumerate(self.kernels):
            given = x
            if number:
                x = self._between(x)
            start = None
            if state is not None:
                own = state if len(self.kernels) == 1 else state[number : number + 1]
                parts = tuple(torch.cat(part) for part in zip(*own, strict=True))  # (L*D, B, H) each
                start = parts if len(parts) > 1 else parts[0]
            if self.weight_drop and self.training:
                x, after = run_dropped(kernel, x, start, self.weight_drop)  # type: ignore[arg-type]
            else:
                x, after = kernel(x, start)
            x = x + given if number and self.residual and x.shape == given.shape else x
            after = after if isinstance(after, tuple) else (after,)
            result += zip(*(part.split(self.directions) for part in after), strict=True)
        return x, result

    def _run_layers(
        self, x: Tensor, lengths: Tensor | None, state: State | None, masks: list[Tensor] | None
    ) -> tuple[Tensor, State]:
        """Layer by layer and direction by direction, which lengths and the written-out cells need."""
        state = self.initial_state(x.shape[0], x.device, x.dtype) if state is None else state
        padding = None if lengths is None else ~real_steps(lengths, x.shape[1])  # (B, T)
        x = x if padding is None else x.masked_fill(padding[:, :, None], 0)  # it may hold anything, even NaN
        result: State = []
        for layer in range(len(self.widths)):
            given = x
            if layer:
                x = self._between(x)
            outputs, after = [], []
            for direction in range(self.directions):
                start = tuple(part[direction] for part in state[layer])  # (B, H) each
                drop = None if masks is None else masks[layer][direction]
                y = flip(x, lengths) if direction else x
                y, end = self._run_one(layer, direction, y, lengths, padding, start, drop)
                outputs.append(flip(y, lengths) if direction else y)
                after.append(end)
            x = torch.cat(outputs, dim=-1) if len(outputs) > 1 else outputs[0]  # (B, T, D*H)
            x = x + given if layer and self.residual and x.shape == given.shape else x
            x = x if padding is None else x.masked_fill(padding[:, :, None], 0)
            result.append(tuple(torch.stack(part) for part in zip(*after, strict=True)))
        return x, result

    def _between(self, x: Tensor) -> Tensor:
        """Dropout on what one layer hands to the next, (B, T, F)."""
        return (
            locked_dropout(x, self.dropout, self.training)
            if self.locked
            else F.dropout(x, self.dropout, self.training)
        )

    def _run_one(
        self,
        layer: int,
        direction: int,
        x: Tensor,
        lengths: Tensor | None,
        padding: Tensor | None,
        state: CellState,
        drop: Tensor | None,
    ) -> tuple[Tensor, CellState]:
        """One direction of one layer, forward in time: outputs (B, T, H) and its last real state."""
        real = None if padding is None else ~padding
        if self.backend == "reference":
            cell = self._cell(layer, direction)
            if self.weight_drop and self.training:
                dropped = {"weight_hh": F.dropout(cell.weight_hh, self.weight_drop)}
                return torch.func.functional_call(cell, dropped, (x, state, real, drop))
            return cell(x, state, real, drop)
        assert lengths is not None  # without lengths the kernels run whole
        weights: Weights = self.layer_parameters(layer, direction)  # type: ignore[assignment]
        if self.weight_drop and self.training:
            weights = (weights[0], F.dropout(weights[1], self.weight_drop), *weights[2:])
        return run_kernel(self.cell, self.activation, x, lengths, state, weights)


def _widths(hidden_size: int | Sequence[int], num_layers: int) -> list[int]:
    """Units of each layer, checked."""
    check_at_least("num_layers", num_layers, 1)
    widths = [hidden_size] * num_layers if isinstance(hidden_size, int) else list(hidden_size)
    if not widths:
        raise UserError("hidden_size=[] names no layer: give a number, or a list with one number a layer.")
    if num_layers not in (1, len(widths)):
        raise UserError(
            f"num_layers={num_layers} contradicts hidden_size={widths}, which names {len(widths)} layers:"
            " leave num_layers away, or give one number as hidden_size."
        )
    for width in widths:
        check_at_least("hidden_size", width, 1)
    return widths


def _check_place(cell: str, name: str, value: float | str) -> None:
    """Refuses an option that the equations of a cell have no place for, unless it is off."""
    off = {"activation": "tanh", "heads": 1}.get(name, 0)
    if name in CELLS[cell].lacks and value != off:
        raise UserError(
            f"{name}={value}: the equations of cell={cell} have no place for it. Allowed there: {off}."
        )
