"""The ConvLSTM: an LSTM whose inputs and states are maps, and whose products are convolutions.

Shi, Chen, Wang, Yeung, Wong & Woo (2015), "Convolutional LSTM network: a machine learning approach for
precipitation nowcasting", without its peepholes, whose size would tie a net to one size of picture. With ``*`` for
convolution, ⊙ for the elementwise product and σ for the logistic function::

    i_t = σ(W_xi * x_t + W_hi * h_{t-1} + b_i)
    f_t = σ(W_xf * x_t + W_hf * h_{t-1} + b_f)
    g_t = tanh(W_xc * x_t + W_hc * h_{t-1} + b_c)
    o_t = σ(W_xo * x_t + W_ho * h_{t-1} + b_o)
    c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
    h_t = o_t ⊙ tanh(c_t)

``W_x * x_t`` waits for nothing, so it is one convolution over all steps of all sequences before the loop begins;
``benchmarks/video.py`` measures what that saves.

Shapes: B sequences, T steps, C channels, H hidden maps, Y rows, X columns, L layers.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.errors import UserError, check_at_least

MapState = tuple[Tensor, ...]
"""What a cell remembers, each (B, H, Y, X), the output ``h`` first."""


def check_kernel(kernel: int) -> None:
    """Raises `UserError` unless a kernel has a middle."""
    if kernel < 1 or kernel % 2 == 0:
        raise UserError(f"kernel={kernel} has no middle: it must be odd, 3 or 5 for most.")


def conv_weight(outputs: int, inputs: int, kernel: int) -> nn.Parameter:
    """Returns a weight (outputs, inputs, kernel, kernel) drawn from U(±√(6 / (fan-in + fan-out))).

    Glorot & Bengio (2010), with the fan-out of one gate: `outputs` is the rows of one gate.
    """
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(outputs, inputs, kernel, kernel)))


def gate_weights(count: int, hidden: int, inputs: int, kernel: int) -> nn.Parameter:
    """Returns the weights of several gates, (count·hidden, inputs, kernel, kernel), each drawn by itself."""
    return nn.Parameter(torch.cat([conv_weight(hidden, inputs, kernel).data for _ in range(count)]))


def hold(new: Sequence[Tensor], old: Sequence[Tensor], real: Tensor) -> tuple[Tensor, ...]:
    """Returns `new` where a step is real, (B,) bool, and `old` on padding."""
    chosen = real[:, None, None, None]
    return tuple(torch.where(chosen, n, o) for n, o in zip(new, old, strict=True))


class ConvLSTMCell(nn.Module):
    """One layer of the equations above.

    Args:
        input_size: C; 0 for a cell that reads nothing and goes on from its state alone.
        hidden_size: H.
        kernel: rows and columns of all kernels, odd.
        forget_bias: what ``b_f`` begins with (Jozefowicz et al. 2015).
    """

    gates = ("input", "forget", "cell", "output")

    def __init__(self, input_size: int, hidden_size: int, kernel: int = 5, forget_bias: float = 1.0) -> None:
        super().__init__()
        check_at_least("input_size", input_size, 0)
        check_at_least("hidden_size", hidden_size, 1)
        check_kernel(kernel)
        self.input_size, self.hidden_size, self.kernel = input_size, hidden_size, kernel
        gates = len(self.gates)
        if input_size:
            self.weight_ih = gate_weights(gates, hidden_size, input_size, kernel)  # (4H, C, k, k)
        self.weight_hh = gate_weights(gates, hidden_size, hidden_size, kernel)  # (4H, H, k, k)
        self.bias = nn.Parameter(torch.zeros(gates * hidden_size))
        with torch.no_grad():
            self.bias.chunk(gates)[self.gates.index("forget")].fill_(forget_bias)

    def initial_state(self, like: Tensor) -> MapState:
        """Returns zeros for ``h`` and ``c``; batch and size of the maps are those of `like` (B, …, Y, X)."""
        shape = (like.shape[0], self.hidden_size, *like.shape[-2:])
        return like.new_zeros(shape), like.new_zeros(shape)

    def project(self, x: Tensor) -> Tensor:
        """Returns ``W_x * x + b`` for all gates, (N, C, Y, X) to (N, 4H, Y, X)."""
        return F.conv2d(x, self.weight_ih, self.bias, padding=self.kernel // 2)

    def advance(self, projected: Tensor, state: MapState | None) -> MapState:
        """Returns the state after one step, given its projected input (B, 4H, Y, X). The equations stand here.

        None is a state of zeros, of which nothing has to be convolved.
        """
        if state is None:
            to_input, _, to_cell, to_output = projected.chunk(4, dim=1)
            c = torch.sigmoid(to_input) * torch.tanh(to_cell)
        else:
            gates = projected + F.conv2d(state[0], self.weight_hh, padding=self.kernel // 2)
            to_input, to_forget, to_cell, to_output = gates.chunk(4, dim=1)
            c = torch.sigmoid(to_forget) * state[1] + torch.sigmoid(to_input) * torch.tanh(to_cell)
        return torch.sigmoid(to_output) * torch.tanh(c), c

    def forward(
        self, x: Tensor, state: MapState | None = None, real: Tensor | None = None
    ) -> tuple[Tensor, MapState]:
        """Runs all steps.

        Args:
            x: (B, T, C, Y, X), at least one step.
            state: where to start from; zeros if not given.
            real: (B, T) bool; where False the state stays as it was. All steps are real if not given, the first is.

        Returns:
            The outputs (B, T, H, Y, X), and the state after each sequence's last real step.
        """
        batch, steps = x.shape[:2]
        projected = self.project(x.flatten(0, 1)).unflatten(0, (batch, steps))  # (B, T, 4H, Y, X)
        outputs = []
        for t, one in enumerate(projected.unbind(1)):
            new = self.advance(one, state)
            state = new if real is None or state is None else hold(new, state, real[:, t])  # type: ignore[assignment]
            outputs.append(new[0])
        assert state is not None
        return torch.stack(outputs, dim=1), state

    def free_run(self, steps: int, state: MapState) -> tuple[Tensor, MapState]:
        """Goes on without input, ``W_x * x`` left away.

        Returns:
            The outputs (B, `steps`, H, Y, X) and the state after them.
        """
        outputs = []
        bias = self.bias[:, None, None]
        for _ in range(steps):
            state = self.advance(bias, state)
            outputs.append(state[0])
        return torch.stack(outputs, dim=1), state

    def extra_repr(self) -> str:
        """Sizes, for ``print(net)``."""
        return f"{self.input_size}, {self.hidden_size}, kernel={self.kernel}"


class ConvLSTM(nn.Module):
    """Layers of `ConvLSTMCell`, each over all steps before the next begins.

    Args:
        input_size: C.
        hidden_size: H, one number or one a layer.
        num_layers: L.
        kernel: rows and columns of all kernels.
        forget_bias: of the forget gates.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        kernel: int = 5,
        forget_bias: float = 1.0,
    ) -> None:
        super().__init__()
        check_at_least("num_layers", num_layers, 1)
        widths = [hidden_size] * num_layers if isinstance(hidden_size, int) else list(hidden_size)
        if num_layers not in (1, len(widths)):
            raise UserError(f"num_layers={num_layers} contradicts hidden_size={widths}.")
        self.widths, self.output_size = widths, widths[-1]
        sizes = [input_size, *widths[:-1]]
        self.cells = nn.ModuleList(
            ConvLSTMCell(size, width, kernel, forget_bias) for size, width in zip(sizes, widths, strict=True)
        )

    def forward(
        self, x: Tensor, state: list[MapState] | None = None, real: Tensor | None = None
    ) -> tuple[Tensor, list[MapState]]:
        """Runs over whole sequences.

        Args:
            x: (B, T, C, Y, X), padded on the right with anything finite.
            state: where to start from; zeros if not given.
            real: (B, T) bool; where False the state stays as it was. All steps are real if not given.

        Returns:
            The last layer's outputs (B, T, H, Y, X), meaningless on padding, and the state after each last
            real step.
        """
        after = []
        for number, cell in enumerate(self.cells):
            x, end = cell(x, None if state is None else state[number], real)
            after.append(end)
        return x, after

    def step(self, x_t: Tensor, state: list[MapState] | None = None) -> tuple[Tensor, list[MapState]]:
        """Runs one step, (B, C, Y, X) to (B, H, Y, X); a loop of it is `forward`."""
        outputs, state = self.forward(x_t[:, None], state)
        return outputs[:, 0], state
