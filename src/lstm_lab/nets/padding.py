"""How padded batches run through the fused kernels as if each sequence were alone.

No ``PackedSequence`` is involved: it never reaches the fused kernel. Measured on one CPU thread, forward and
backward, against the kernel on the same batch taken as full: an LSTM took 1.0 to 1.5 times as long this way
and 1.1 to 6.6 times packed, a GRU 1.05 to 1.1 and 1.1 to 1.5, an RNN 1.1 to 1.3 and 1.4 to 2.0 (lengths from
T/4 to T, 32 to 256 units; small nets gain most).
Three things make it exact:

- Running forward, right padding cannot reach a real step; outputs on padding are set to zero.
- Running backward, each sequence is flipped within its own length (one gather), run forward, flipped back.
- The state is that of each last real step. ``h`` is gathered from the outputs. The LSTM's ``c`` is not among
  them, so it is kept through the padding: one more input column, 1 on padding, has the fixed weights -1e4
  into the input gate and +1e4 into the forget gate. That makes ``c_t = 1 · c_{t-1} + 0 · g_t``, exactly.

Shapes: B sequences, T steps, I inputs, H units.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lstm_lab.nets.cell import CellState

Weights = tuple[Tensor, Tensor, Tensor, Tensor]
"""``weight_ih, weight_hh, bias_ih, bias_hh`` of one layer and direction, in torch's layout."""

HOLD = 1e4  # σ(±1e4 + anything a gate can hold) is exactly 0 or 1, and half precision can hold 1e4


def real_steps(lengths: Tensor, steps: int) -> Tensor:
    """Returns (B, T) bool, True on the first `lengths` of `steps` steps."""
    return torch.arange(steps, device=lengths.device)[None, :] < lengths[:, None]


def all_full(lengths: Tensor, steps: int) -> bool:
    """True if it is known at no cost that no sequence is shorter than `steps`.

    Asking an accelerator would wait for it, and a trace must not learn it from its example: both are False.
    """
    if lengths.device.type != "cpu" or torch.jit.is_tracing() or torch.compiler.is_compiling():
        return False
    return bool((lengths == steps).all())


def flip(x: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Reverses each sequence of (B, T, F) within its own length; padding stays where it is."""
    if lengths is None:
        return x.flip(1)
    t = torch.arange(x.shape[1], device=x.device)[None, :]
    index = torch.where(t < lengths[:, None], lengths[:, None] - 1 - t, t)  # (B, T)
    return x.gather(1, index[:, :, None].expand_as(x))


def at_last(outputs: Tensor, lengths: Tensor, initial: Tensor) -> Tensor:
    """Returns (B, H), the output (B, T, H) at each last real step; `initial` (B, H) for empty sequences."""
    index = (lengths - 1).clamp(min=0)[:, None, None].expand(-1, 1, outputs.shape[2])
    last = outputs.gather(1, index).squeeze(1)
    return torch.where(lengths[:, None] > 0, last, initial)


def run_kernel(
    cell: str, activation: str, x: Tensor, lengths: Tensor, state: CellState, weights: Weights
) -> tuple[Tensor, CellState]:
    """Runs one layer, forward in time, in torch's fused kernel.

    Args:
        cell: ``lstm``, ``gru`` or ``rnn``.
        activation: of the ``rnn``, ``tanh`` or ``relu``.
        x: (B, T, I), finite on padding.
        lengths: (B,) int64, the real steps of each.
        state: (B, H) for each thing remembered.
        weights: of the layer.

    Returns:
        The outputs (B, T, H), of no meaning on padding, and the state after each last real step.
    """
    # What follows the weights: with biases, one layer, no dropout, training, one direction, batch first.
    # "Training" without dropout only says that a backward pass may follow, which cuDNN has to know.
    options = (True, 1, 0.0, torch.is_grad_enabled(), False, True)
    if cell == "lstm":
        h, c = state
        x, weights = _hold_c(x, lengths, weights)
        outputs, _, c_end = torch.lstm(x, (h[None], c[None]), _one_chunk(weights), *options)
        return outputs, (at_last(outputs, lengths, h), c_end[0])
    kernel = {"gru": torch.gru, "rnn": torch.rnn_relu if activation == "relu" else torch.rnn_tanh}[cell]
    (h,) = state
    outputs, _ = kernel(x, h[None], _one_chunk(weights), *options)
    return outputs, (at_last(outputs, lengths, h),)


def _hold_c(x: Tensor, lengths: Tensor, weights: Weights) -> tuple[Tensor, Weights]:
    """Adds the input column, and its fixed weights, that keep an LSTM's ``c`` as it is on padding."""
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    hold = weight_ih.new_zeros(4, weight_ih.shape[0] // 4, 1)  # torch's order: input, forget, cell, output
    hold[0], hold[1] = -HOLD, HOLD
    padding = ~real_steps(lengths, x.shape[1])[:, :, None]  # (B, T, 1)
    x = torch.cat([x, padding.to(x.dtype)], dim=-1)  # (B, T, I + 1)
    return x, (torch.cat([weight_ih, hold.flatten(0, 1)], dim=1), weight_hh, bias_ih, bias_hh)


def _one_chunk(weights: Weights) -> tuple[Tensor, ...]:
    """Lays the weights out one behind the other on a GPU; cuDNN otherwise does it, with a warning."""
    if not weights[0].is_cuda:
        return weights
    chunk = torch.cat([weight.reshape(-1) for weight in weights])
    parts = chunk.split([weight.numel() for weight in weights])
    return tuple(part.view_as(weight) for part, weight in zip(parts, weights, strict=True))
