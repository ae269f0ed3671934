"""Gates that were read put together again: the cell's own step, for every cell that has gates."""

import pytest
import torch

from lstm_lab.errors import UserError
from lstm_lab.nets.cell import CELLS
from lstm_lab.nets.gates import check_gates, open_gates

GATED = [name for name in CELLS if name != "rnn"]


def state_after(cell, state, gates):
    """What the equations make of gates, candidate and the state before."""
    if "update" in gates:
        return {"h": (1 - gates["update"]) * gates["new"] + gates["update"] * state[0]}
    if cell.remembers == ("h",):
        return {"h": gates["forget"] * state[0] + gates["input"] * gates["cell"]}
    if "n" in cell.remembers:
        if "cell" not in gates:  # the matrix of an mLSTM, head by head
            return {"n": None}
        stored = gates["forget"] * state[1] + gates["input"] * gates["cell"]
        return {"c": stored, "n": gates["forget"] * state[2] + gates["input"]}
    return {"c": gates.get("forget", 1.0) * state[1] + gates["input"] * gates["cell"]}


@pytest.mark.parametrize("name", GATED)
def test_gates_and_candidate_give_the_step(name):
    torch.manual_seed(0)
    cell = CELLS[name](3, 4)
    x = torch.randn(2, 6, 3)
    state = cell.initial_state(x)
    for projected in cell.project(x).unbind(1):
        gates, after = open_gates(cell, projected, state), cell.advance(projected, state)
        for part, value in state_after(cell, state, gates).items():
            if value is not None:
                torch.testing.assert_close(after[cell.remembers.index(part)], value, rtol=1e-5, atol=1e-6)
        for gate, value in gates.items():
            if gate not in ("cell", "new"):
                assert bool(((value >= 0) & (value <= 1 + 1e-6)).all()), gate
        state = after


def test_gates_of_an_lstm_by_hand():
    """One unit, all weights zero but the biases: σ(0) = 1/2, and a forget bias of log 3 keeps three quarters."""
    cell = CELLS["lstm"](1, 1)
    for parameter in cell.parameters():
        torch.nn.init.zeros_(parameter)
    cell.bias_ih.data[1] = torch.tensor(3.0).log()
    with torch.no_grad():
        gates = open_gates(cell, cell.project(torch.ones(1, 1)), cell.initial_state(torch.ones(1, 1)))
    assert {name: round(float(value), 6) for name, value in gates.items()} == {
        "input": 0.5,
        "forget": 0.75,
        "cell": 0.0,
        "output": 0.5,
    }


def test_a_cell_without_gates_is_told_in_one_line():
    with pytest.raises(UserError, match=r"rnn has no gates to look at\. Cells with gates: gru, lstm, "):
        check_gates("rnn")
