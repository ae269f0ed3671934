"""The spatiotemporal LSTM of PredRNN: beside each layer's own memory, one that climbs through the layers.

Wang, Long, Wang, Gao & Yu (2017), "PredRNN: recurrent neural networks for predictive learning using spatiotemporal
LSTMs", eq. 3. ``c`` stays in its layer from step to step; ``m`` goes from layer to layer within a step, and from
the top of one step to the bottom of the next. With ``*`` for convolution and ⊙ for the elementwise product::

    i, f, g = σ, σ, tanh of (W_x * x_t + W_h * h_{t-1} + b)       c_t = f ⊙ c_{t-1} + i ⊙ g
    i', f', g' likewise of (W'_x * x_t + W_m * m + b')            m_t = f' ⊙ m + i' ⊙ g'
    o = σ(W_xo * x_t + W_ho * h_{t-1} + W_co * c_t + W_mo * m_t + b_o)
    h_t = o ⊙ tanh(W_1×1 * [c_t, m_t])

The input of the lowest layer is convolved for all steps at once where it is known ahead; the layers above wait for
the climbing memory, so no more can be taken out of the loop.

Shapes: B sequences, T steps, C channels, H hidden maps (of every layer), Y rows, X columns, L layers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.errors import UserError, check_at_least
from lstm_lab.nets.convlstm import MapState, check_kernel, gate_weights, hold


class STLSTMCell(nn.Module):
    """One layer of the equations above.

    Args:
        input_size: C.
        hidden_size: H.
        kernel: rows and columns of all kernels but the 1 × 1 one, odd.
        forget_bias: what ``b_f`` and ``b'_f`` begin with.
    """

    def __init__(self, input_size: int, hidden_size: int, kernel: int = 5, forget_bias: float = 1.0) -> None:
        super().__init__()
        check_at_least("input_size", input_size, 1)
        check_at_least("hidden_size", hidden_size, 1)
        check_kernel(kernel)
        self.input_size, self.hidden_size, self.kernel = input_size, hidden_size, kernel
        self.weight_x = gate_weights(7, hidden_size, input_size, kernel)  # i f g, i' f' g', o
        self.weight_h = gate_weights(4, hidden_size, hidden_size, kernel)  # i f g, o
        self.weight_m = gate_weights(3, hidden_size, hidden_size, kernel)  # i' f' g'
        self.weight_o = gate_weights(1, hidden_size, 2 * hidden_size, kernel)  # of [c, m]
        self.weight_last = gate_weights(1, hidden_size, 2 * hidden_size, 1)
        bias = torch.zeros(7, hidden_size)
        bias[1], bias[4] = forget_bias, forget_bias
        self.bias = nn.Parameter(bias.flatten())

    def project(self, x: Tensor) -> Tensor:
        """Returns ``W_x * x + b`` for all seven gates, (N, C, Y, X) to (N, 7H, Y, X)."""
        return F.conv2d(x, self.weight_x, self.bias, padding=self.kernel // 2)

    def advance(self, projected: Tensor, state: MapState, m: Tensor) -> tuple[MapState, Tensor]:
        """Returns ``(h, c)`` and ``m`` after one step of one layer. The equations stand here."""
        h, c = state
        same, hidden = self.kernel // 2, self.hidden_size
        for_c, for_m, to_o = projected.split([3 * hidden, 3 * hidden, hidden], dim=1)
        h_for_c, h_for_o = F.conv2d(h, self.weight_h, padding=same).split([3 * hidden, hidden], dim=1)
        i, f, g = (for_c + h_for_c).chunk(3, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        i, f, g = (for_m + F.conv2d(m, self.weight_m, padding=same)).chunk(3, dim=1)
        m = torch.sigmoid(f) * m + torch.sigmoid(i) * torch.tanh(g)
        both = torch.cat([c, m], dim=1)  # (B, 2H, Y, X)
        o = torch.sigmoid(to_o + h_for_o + F.conv2d(both, self.weight_o, padding=same))
        return (o * torch.tanh(F.conv2d(both, self.weight_last)), c), m

    def extra_repr(self) -> str:
        """Sizes, for ``print(net)``."""
        return f"{self.input_size}, {self.hidden_size}, kernel={self.kernel}"


class STLSTM(nn.Module):
    """Layers of `STLSTMCell` with the climbing memory between them.

    Its state is one ``(h, c)`` a layer, and last ``(m,)``.

    Args:
        input_size: C.
        hidden_size: H of every layer, which share ``m``.
        num_layers: L.
        kernel: rows and columns of the kernels.
        forget_bias: of the forget gates.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        kernel: int = 5,
        forget_bias: float = 1.0,
    ) -> None:
        super().__init__()
        check_at_least("num_layers", num_layers, 1)
        if not isinstance(hidden_size, int):
            raise UserError(
                f"hidden_size={hidden_size}: the layers of st_lstm share a memory, so one number."
            )
        self.output_size = hidden_size
        self.cells = nn.ModuleList(
            STLSTMCell(hidden_size if layer else input_size, hidden_size, kernel, forget_bias)
            for layer in range(num_layers)
        )

    def initial_state(self, like: Tensor) -> list[MapState]:
        """Returns zeros; batch and size of the maps are those of `like` (B, …, Y, X)."""
        zeros = like.new_zeros(like.shape[0], self.output_size, *like.shape[-2:])
        return [(zeros, zeros) for _ in self.cells] + [(zeros,)]

    def forward(
        self, x: Tensor, state: list[MapState] | None = None, real: Tensor | None = None
    ) -> tuple[Tensor, list[MapState]]:
        """Runs over whole sequences; arguments and result as those of `ConvLSTM.forward`."""
        state = self.initial_state(x) if state is None else state
        lowest = self.cells[0].project(x.flatten(0, 1)).unflatten(0, x.shape[:2])  # type: ignore[operator]
        outputs = []
        for t, projected in enumerate(lowest.unbind(1)):  # (B, 7H, Y, X)
            new = self._climb(projected, state)
            if real is not None:
                new = [hold(n, o, real[:, t]) for n, o in zip(new, state, strict=True)]
            state = new
            outputs.append(state[-2][0])
        return torch.stack(outputs, dim=1), state  # (B, T, H, Y, X)

    def _climb(self, projected: Tensor, state: list[MapState]) -> list[MapState]:
        """One step of all layers, from the projected input of the lowest."""
        after: list[MapState] = []
        (m,) = state[-1]
        for layer, cell in enumerate(self.cells):
            if layer:
                projected = cell.project(after[-1][0])  # type: ignore[operator]
            new, m = cell.advance(projected, state[layer], m)  # type: ignore[operator]
            after.append(new)
        return [*after, (m,)]

    def step(self, x_t: Tensor, state: list[MapState] | None = None) -> tuple[Tensor, list[MapState]]:
        """Runs one step, (B, C, Y, X) to (B, H, Y, X); a loop of it is `forward`."""
        outputs, state = self.forward(x_t[:, None], state)
        return outputs[:, 0], state
