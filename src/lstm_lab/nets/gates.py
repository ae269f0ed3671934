"""What the gates of a cell let through at a step: computed once more beside the cell's own equations, to be looked at.

A gate is a share from 0 (shut) to 1 (open), named after what it does: ``input`` writes, ``forget`` keeps (at 1 all is
kept, at 0 all is forgotten, whatever its name says), ``output`` shows. Candidates, what would be written, are no gates
and stand under ``cell`` or ``new``. The equations are those of the cells' own modules; a test puts gates and candidates
together again and demands the cell's step.

Shapes: B sequences, H units, G gates, N heads.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lstm_lab.errors import UserError
from lstm_lab.nets.cell import CELLS, GRUCell, LSTM1997Cell, LSTMCell, PeepholeLSTMCell
from lstm_lab.nets.cell_base import Cell, CellState
from lstm_lab.nets.cell_exponential import MLSTMCell, SLSTMCell
from lstm_lab.nets.cell_minimal import MinimalCell
from lstm_lab.nets.cell_variants import LayerNormLSTMCell, MogrifierLSTMCell

Gates = dict[str, Tensor]
"""By name, (B, H); of the mLSTM ``input`` and ``forget`` are (B, N)."""

CANDIDATES = ("cell", "new")


def open_gates(cell: Cell, projected: Tensor, state: CellState) -> Gates:
    """Returns what each gate lets through, and the candidate, at one step.

    Args:
        cell: any with gates.
        projected: its projected input (B, G*H), of `Cell.project`.
        state: before the step.

    Raises:
        UserError: if the cell has no gates.
    """
    return _reader(type(cell))(cell, projected, state)


def check_gates(word: str) -> None:
    """Raises `UserError` unless the cell of that name has gates that can be read."""
    if CELLS.get(word) not in _READERS:
        known = [name for name, kind in CELLS.items() if kind in _READERS]
        raise UserError(f"{word} has no gates to look at. Cells with gates: {', '.join(known)}.")


def _reader(kind: type[Cell]) -> Callable[[Cell, Tensor, CellState], Gates]:
    if kind not in _READERS:
        check_gates(next((name for name, one in CELLS.items() if one is kind), kind.__name__))
    return _READERS[kind]


def _named(cell: Cell, sums: Tensor) -> Gates:
    parts = zip(cell.gates, sums.chunk(len(cell.gates), dim=-1), strict=True)
    return {name: cell.phi(part) if name in CANDIDATES else torch.sigmoid(part) for name, part in parts}


def _of_lstm(cell: Cell, projected: Tensor, state: CellState) -> Gates:
    """Of every LSTM whose gates see the input and ``h`` alone."""
    return _named(cell, projected + cell.recur(state[0], None))


def _of_peephole(cell: Cell, projected: Tensor, state: CellState) -> Gates:
    """The output gate sees the new cell."""
    assert isinstance(cell, PeepholeLSTMCell)
    c, sums = state[1], projected + cell.recur(state[0], None)
    new = cell.advance(projected, state)[1]
    sees = (
        cell.peephole_input * c,
        cell.peephole_forget * c,
        torch.zeros_like(c),
        cell.peephole_output * new,
    )
    return _named(cell, sums + torch.cat(sees, dim=-1))


def _of_mogrifier(cell: Cell, projected: Tensor, state: CellState) -> Gates:
    """Input and state gate each other first; those rounds are no gates of the step."""
    assert isinstance(cell, MogrifierLSTMCell)
    x, h = projected, state[0]
    for i in range(cell.rounds):
        if i % 2 == 0:
            x = 2 * torch.sigmoid(F.linear(h, cell.mix_x[i // 2])) * x
        else:
            h = 2 * torch.sigmoid(F.linear(x, cell.mix_h[i // 2])) * h
    return _named(cell, F.linear(x, cell.weight_ih, cell.bias_ih) + cell.recur(h, None))


def _of_gru(cell: Cell, projected: Tensor, state: CellState) -> Gates:
    """``update`` keeps, as in `GRUCell`."""
    in_reset, in_update, in_new = projected.chunk(3, dim=-1)
    re_reset, re_update, re_new = cell.recur(state[0], None).chunk(3, dim=-1)
    reset = torch.sigmoid(in_reset + re_reset)
    new = cell.phi(in_new + reset * re_new)
    return {"reset": reset, "update": torch.sigmoid(in_update + re_update), "new": new}


def _of_minimal(cell: Cell, projected: Tensor, state: CellState) -> Gates:
    """Of minLSTM and minGRU: the shares that are kept and written, which sum to one."""
    assert isinstance(cell, MinimalCell)
    keeps, added = cell.coefficients(projected)
    writes = 1 - keeps
    return {"input": writes, "forget": keeps, "cell": torch.where(writes > 0, added / writes, 0.0)}


def _of_slstm(cell: Cell, projected: Tensor, state: CellState) -> Gates:
    """Exponential gates as they act on what is stored, which is divided by ``exp(m)``."""
    h, _, stored, _ = state
    writes, _, to_cell, to_output = (projected + cell.recur(h, None)).chunk(4, dim=-1)
    _, _, n, new_m = cell.advance(projected, state)
    write = torch.exp(writes - new_m)
    # n_t = keep · n_{t-1} + write, whose keep is asked for; where nothing was stored, nothing is kept.
    keep = torch.where(stored > 0, (n - write) / stored, 0.0)
    return {"input": write, "forget": keep, "cell": cell.phi(to_cell), "output": torch.sigmoid(to_output)}


def _of_mlstm(cell: Cell, projected: Tensor, state: CellState) -> Gates:
    """One number a head for writing and keeping, as they act on what is stored."""
    assert isinstance(cell, MLSTMCell)
    *_, opens, writes, forgets = cell._parts(projected)
    m, new_m = state[3], cell.advance(projected, state)[3]
    return {"input": torch.exp(writes - new_m), "forget": torch.exp(forgets + m - new_m), "output": opens}


_READERS: dict[type[Cell] | None, Callable[[Cell, Tensor, CellState], Gates]] = {
    LSTMCell: _of_lstm,
    LSTM1997Cell: _of_lstm,
    LayerNormLSTMCell: _of_lstm,
    PeepholeLSTMCell: _of_peephole,
    MogrifierLSTMCell: _of_mogrifier,
    GRUCell: _of_gru,
    SLSTMCell: _of_slstm,
    MLSTMCell: _of_mlstm,
    **{kind: _of_minimal for kind in CELLS.values() if issubclass(kind, MinimalCell)},
}
