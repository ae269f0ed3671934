"""LSTMs with exponential gates: sLSTM and mLSTM.

Beck, Pöppel, Spanring, Auer, Prudnikova, Kopp, Klambauer, Brandstetter & Hochreiter (2024), "xLSTM: extended long
short-term memory", arXiv 2405.04517. An exponential input gate can outweigh all that was remembered, which a
logistic one cannot. So that it does not overflow, what is remembered is kept divided by ``exp(m_t)``, with m the
largest exponent so far (eqs. 15 to 17). m cancels out of ``h``, so no gradient goes through it.

These are the cells of the paper; its blocks put norms, convolutions and projections around them. Forget gates are
logistic, one of the two that the paper allows and the one of the authors' code.

Shapes: B sequences, T steps, H units, N heads, P = H/N units of a head, L steps of a chunk. ``in_gate`` and
``re_gate`` as in `lstm_lab.nets.cell`.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from lstm_lab.errors import UserError
from lstm_lab.nets.cell_base import Cell, CellState, widened

Memory = tuple[Tensor, Tensor, Tensor]
"""C (B, N, P, P), n (B, N, P) and m (B, N) of the mLSTM."""

CHUNK = 64
"""Steps of the mLSTM that are computed at once: the weights between them are CHUNK² numbers a head and sequence."""

_LARGEST = 80.0  # exp(80) still is a float32


class SLSTMCell(Cell):
    """sLSTM, eqs. 8 to 17, with one head: every unit sees every other one::

        i_t = in_input + re_input               (an exponent)
        f_t = log σ(in_forget + re_forget)      (an exponent)
        z_t = φ(in_cell + re_cell)
        o_t = σ(in_output + re_output)
        m_t = max(f_t + m_{t-1}, i_t)
        c_t = exp(f_t + m_{t-1} - m_t) ⊙ c_{t-1} + exp(i_t - m_t) ⊙ z_t
        n_t = exp(f_t + m_{t-1} - m_t) ⊙ n_{t-1} + exp(i_t - m_t)
        h_t = o_t ⊙ c_t / n_t

    Where nothing is remembered yet, ``n_{t-1} = 0``, m begins at ``i_t``. n is then 1 and never falls below.
    """

    gates = ("input", "forget", "cell", "output")
    remembers = ("h", "c", "n", "m")
    lacks = ("zoneout", "heads")  # zoneout would mix numbers that are divided by different exp(m)

    def advance(self, projected: Tensor, state: CellState, drop: Tensor | None = None) -> CellState:
        """One step of the equations above."""
        h, c, n, m = state
        writes, to_forget, to_cell, to_output = widened(projected + self.recur(h, drop)).chunk(4, dim=-1)
        keeps = (F.logsigmoid(to_forget) + m).masked_fill(n == 0, -torch.inf)
        with torch.no_grad():
            m = torch.maximum(keeps, writes)
        keep, write = torch.exp(keeps - m), torch.exp(writes - m)
        c = keep * c + write * self.phi(to_cell)
        n = keep * n + write
        return torch.sigmoid(to_output) * c / n, c, n, m


class MLSTMCell(Cell):
    """mLSTM, eqs. 19 to 27: a matrix a head that is written with a key and read with a query::

        q_t, v_t = in_query, in_value;  k_t = in_key / √P
        o_t = σ(in_output)
        i_t = in_input, f_t = log σ(in_forget)      (exponents, one number a head)
        m_t = max(f_t + m_{t-1}, i_t)
        C_t = exp(f_t + m_{t-1} - m_t) C_{t-1} + exp(i_t - m_t) v_t k_tᵀ
        n_t = exp(f_t + m_{t-1} - m_t) n_{t-1} + exp(i_t - m_t) k_t
        h_t = o_t ⊙ C_t q_t / max(|n_t · q_t|, exp(-m_t))

    ``exp(-m_t)`` is the 1 of eq. 21, divided like n. No gate sees ``h_{t-1}``, so steps can be computed at once; the
    form for that is in appendix A, here in chunks of `CHUNK` steps with the state handed on from one to the next.

    Raises:
        UserError: if the heads do not divide the units.
    """

    gates = ("query", "key", "value", "output", "input", "forget")
    remembers = ("h", "c", "n", "m")
    recurs = False
    lacks = ("activation", "recurrent_dropout", "weight_drop", "zoneout")

    def __init__(self, input_size: int, hidden_size: int, activation: str = "tanh", heads: int = 1) -> None:
        if heads < 1 or hidden_size % heads:
            raise UserError(f"heads={heads} does not divide hidden_size={hidden_size}.")
        super().__init__(input_size, hidden_size, activation, heads)

    @property
    def gate_sizes(self) -> tuple[int, ...]:
        """H rows for each vector, N for each gate that is one number a head."""
        return (self.hidden_size,) * 4 + (self.heads,) * 2

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """H of ``h``, N*P*P of C, H of n, N of m."""
        width = self.hidden_size
        return width, width * width // self.heads, width, self.heads

    def advance(self, projected: Tensor, state: CellState, drop: Tensor | None = None) -> CellState:
        """One step of the equations above; `drop` has nothing to act on."""
        query, key, value, opens, writes, forgets = self._parts(projected)
        c, n, m = self._by_head(state)
        keeps = forgets + m  # (B, N)
        with torch.no_grad():
            m = torch.maximum(keeps, writes)
        keep, write = torch.exp(keeps - m)[..., None], torch.exp(writes - m)[..., None]  # (B, N, 1)
        c = keep[..., None] * c + (write * value)[..., :, None] * key[..., None, :]  # (B, N, P, P)
        n = keep * n + write * key
        read = (c @ query[..., None]).squeeze(-1)
        h = opens * (read / _bound((n * query).sum(-1), m)[..., None]).flatten(-2)
        return h, c.flatten(1), n.flatten(1), m

    def forward(
        self,
        x: Tensor,
        state: CellState | None = None,
        real: Tensor | None = None,
        drop: Tensor | None = None,
    ) -> tuple[Tensor, CellState]:
        """Runs all steps, a chunk of them at once; equal to `unroll`."""
        state = self.initial_state(x) if state is None else state
        *parts, opens, writes, forgets = self._parts(self.project(x))
        if real is not None:  # what is not real writes nothing and forgets nothing
            writes = writes.masked_fill(~real[..., None], -torch.inf)
            forgets = forgets.masked_fill(~real[..., None], 0)
        by_head = [part.transpose(1, 2) for part in (*parts, writes, forgets)]  # (B, N, T, P) and (B, N, T)
        memory, found = self._by_head(state), []
        for chunk in zip(*(part.split(CHUNK, dim=2) for part in by_head), strict=True):
            read, memory = _run_chunk(chunk, memory)
            found.append(read)
        outputs = opens * torch.cat(found, dim=2).transpose(1, 2).flatten(2)  # (B, T, H)
        if real is not None:  # the output of the last real step stays, too
            outputs = _held(outputs, real, state[0])
        c, n, m = memory
        return outputs, (outputs[:, -1], c.flatten(1), n.flatten(1), m)

    def _parts(self, projected: Tensor) -> tuple[Tensor, ...]:
        """Query, key and value (…, N, P), what the output gate lets through (…, H), two exponents (…, N)."""
        *three, opens, writes, forgets = widened(projected).split(self.gate_sizes, dim=-1)
        query, key, value = (one.unflatten(-1, (self.heads, -1)) for one in three)
        key = key / math.sqrt(key.shape[-1])
        return query, key, value, torch.sigmoid(opens), writes, F.logsigmoid(forgets)

    def _by_head(self, state: CellState) -> Memory:
        _, c, n, m = (widened(part) for part in state)
        size = self.hidden_size // self.heads
        return c.unflatten(1, (self.heads, size, size)), n.unflatten(1, (self.heads, size)), m


def _run_chunk(steps: tuple[Tensor, ...], memory: Memory) -> tuple[Tensor, Memory]:
    """The parallel form: what L steps read, (B, N, L, P), and what is remembered after them.

    Args:
        steps: query, key and value (B, N, L, P); the exponents of writing, -inf where nothing is written, and of
            forgetting, (B, N, L).
        memory: before these steps.
    """
    query, key, value, writes, forgets = steps
    c, n, m = memory
    total = forgets.cumsum(-1)  # (B, N, L): what is left of the state before the chunk
    # The exponent with which step s counts at step t: written at s, forgotten from s + 1 to t.
    between = total[..., :, None] - total[..., None, :] + writes[..., None, :]  # (B, N, t, s)
    later = torch.ones(total.shape[-1], total.shape[-1], dtype=torch.bool, device=total.device).triu(1)
    between = between.masked_fill(later, -torch.inf)
    before = total + m[..., None]
    with torch.no_grad():
        largest = torch.maximum(between.amax(-1), before)  # (B, N, t)
    weights, kept = torch.exp(between - largest[..., None]), torch.exp(before - largest)
    scores = weights * (query @ key.transpose(-1, -2))
    read = scores @ value + kept[..., None] * (query @ c.transpose(-1, -2))
    sums = scores.sum(-1) + kept * (query @ n[..., None]).squeeze(-1)
    last, left = weights[..., -1, :, None], kept[..., -1, None]  # (B, N, s, 1) and (B, N, 1)
    c = left[..., None] * c + (last * value).transpose(-1, -2) @ key
    n = left * n + (last * key).sum(-2)
    return read / _bound(sums, largest)[..., None], (c, n, largest[..., -1])


def _bound(sums: Tensor, m: Tensor) -> Tensor:
    """``max(|n · q|, exp(-m))``; beyond `_LARGEST` the quotient is 0 anyway, and infinity would spoil the gradient."""
    return torch.maximum(sums.abs(), torch.exp((-m).clamp(max=_LARGEST)))


def _held(outputs: Tensor, real: Tensor, start: Tensor) -> Tensor:
    """Returns (B, T, H) with the output of the last real step on each step that is not real."""
    steps = torch.arange(1, real.shape[1] + 1, device=real.device)
    last = torch.where(real, steps, 0).cummax(1).values  # (B, T), 0 before the first real step
    known = torch.cat([start[:, None], outputs], dim=1)  # (B, 1 + T, H)
    return known.gather(1, last[:, :, None].expand_as(outputs))
