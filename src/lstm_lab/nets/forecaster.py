"""A recurrent forecaster: it reads a window in a space where little is left to learn, and writes block by block."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lstm_lab.nets.recurrent import Recurrent

VIEWS = ("difference", "level", "smooth", "value")

# Weight of a row against the one after it in the level of the view `smooth`, and the share of the core's movement
# that this view believes; both chosen on monthly series of the M3 competition, see docs/recipes.md.
_MEMORY, _TRUST = 0.7, 0.25


class BlockForecaster(nn.Module):
    """Forecasts one season (a block) at a time and feeds it back until the horizon is full.

    With ``u`` the series on its scale (raw, or logarithms), ``m`` the block, ``S`` the seasonal profile of the
    training rows and ``s`` the spread of their seasonal differences, the core reads

    * view ``difference``: z_t = (u_t - u_{t-m}) / s. The next block is what the head makes of the core's last
      state, plus a linear path over the same phases of the window (the skip of LSTNet, Lai et al. 2018).
    * view ``level``: z_t = (u_t - S_{phase(t)}) / s, less its last value, to which the head's block is added;
      each further block moves the level less, by the factor `damping` (Gardner & McKenzie 1985);
    * view ``smooth``: as ``level``, but from an exponentially smoothed level (Brown 1956) instead of the last
      value, and once trained only a quarter of the head's block is added: the cautious member;
    * view ``value``: the same with the mean in place of S and the standard deviation in place of s, and nothing
      taken off what the core reads: for series that keep to their range, whose next step depends on where they are.

    Head and path begin at zero: an untrained net is the seasonal naive forecast in the first view and the
    seasonally adjusted naive forecast (Naive2 of the M4 competition) in the second; training only adds to them.

    Shapes: B windows, L rows, C series (each forecast on its own, by the same weights), S steps ahead.

    Args:
        core: the recurrent core, of one input feature.
        view: ``difference``, ``level``, ``smooth`` or ``value``.
        scale: ``raw`` or ``log``.
        block: m.
        spread: s of each of the C series.
        profile: S (or the mean) of each series, C lists of m numbers; None for none.
        floor: the smallest training value of each series; a log scale stops at a hundredth of it.
        window: values of z that the core reads.
        horizon: S where nothing else is asked for.
        damping: what remains of the movement of the level from one block to the next.
        noise: standard deviation of the Gaussian noise on z while training.
    """

    spread: Tensor
    profile: Tensor
    floor: Tensor

    def __init__(
        self,
        core: Recurrent,
        view: str,
        scale: str,
        block: int,
        spread: list[float],
        profile: list[list[float]] | None,
        floor: list[float],
        window: int,
        horizon: int,
        damping: float = 1.0,
        noise: float = 0.0,
    ) -> None:
        super().__init__()
        self.core, self.view, self.scale, self.block = core, view, scale, block
        self.window, self.horizon, self.damping, self.noise = window, horizon, damping, noise
        self.register_buffer("spread", torch.tensor(spread))
        self.register_buffer("profile", torch.tensor(profile or [[0.0] * block] * len(spread)))
        self.register_buffer("floor", torch.tensor(floor))
        self.head = nn.Linear(core.output_size, block)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.same_phase = nn.Parameter(torch.zeros(window // block)) if view == "difference" else None

    def forward(self, inputs: Tensor, steps: int | None = None) -> Tensor:
        """Returns (B, S, C), the forecast after the windows in the user's units.

        Args:
            inputs: (B, L, C + 1), the values and, in the last column, the phase of each row in its season.
            steps: S; the horizon if not given.
        """
        forecast = self.on_scale(inputs, self.horizon if steps is None else steps, self.draw(inputs))
        return forecast if self.scale == "raw" else torch.exp(forecast)

    def draw(self, inputs: Tensor) -> Tensor | None:
        """The noise of a training step, (B·C, window), for `on_scale`; None where there is none."""
        if not (self.training and self.noise):
            return None
        rows = inputs.shape[0] * (inputs.shape[2] - 1)
        return torch.randn(rows, self.window, dtype=inputs.dtype, device=inputs.device)

    def on_scale(self, inputs: Tensor, steps: int, noise: Tensor | None = None) -> Tensor:
        """As `forward`, on the scale that the net works on, with `noise` of `draw` while training."""
        return self.write(*self.read(inputs, steps), steps, noise)

    def read(self, inputs: Tensor, steps: int) -> tuple[Tensor, Tensor]:
        """What the core works on, z (B, C, T), and what is added to its forecast: the same for all of a view and scale.

        That is the last season (B, C, m) in the view ``difference``, else the profile of the steps ahead (B, C, S).
        """
        u = self.to_scale(inputs[..., :-1]).transpose(1, 2)  # (B, C, L)
        if self.view == "difference":
            z = (u[..., self.block :] - u[..., : -self.block]) / self.spread[:, None]
            return z, u[..., -self.block :]
        phase = inputs[:, :, -1].long()  # (B, L)
        ahead = (phase[:, -1:] + 1 + torch.arange(steps, device=phase.device)) % self.block  # (B, S)
        return (u - self._profile(phase)) / self.spread[:, None], self._profile(ahead)

    def write(self, z: Tensor, base: Tensor, steps: int, noise: Tensor | None = None) -> Tensor:
        """Returns (B, S, C) after what `read` gave, on the scale that the net works on."""
        spread = self.spread[:, None]  # (C, 1)
        if self.view == "difference":
            seasons = self._write(z, steps, noise).unflatten(-1, (-1, self.block))  # (B, C, K, m)
            forecast = (base[:, :, None] + seasons.cumsum(2) * spread[..., None]).flatten(2)[..., :steps]
        else:
            forecast = self._write(z, steps, noise)[..., :steps] * spread + base
        return forecast.transpose(1, 2)  # (B, S, C)

    def to_scale(self, values: Tensor) -> Tensor:
        """Brings values in the user's units, (…, C), to the scale that the net works on."""
        return values if self.scale == "raw" else torch.log(torch.maximum(values, 0.01 * self.floor))

    def next_block(self, z: Tensor, damping: float = 1.0) -> Tensor:
        """Returns the next m values (B, m) after a window of z, (B, window), their movement damped."""
        base = self._base(z)
        seen = z if self.view == "value" else z - base
        output, _ = self.core(seen[..., None])  # (B, window, H)
        trust = _TRUST if self.view == "smooth" and not self.training else 1.0
        block = base + damping * trust * self.head(output[:, -1])
        if self.same_phase is not None:
            seasons = len(self.same_phase)
            past = z[:, -seasons * self.block :].unflatten(1, (seasons, self.block))
            block = block + torch.einsum("k,bkm->bm", self.same_phase, past)
        return block

    def _base(self, z: Tensor) -> Tensor:
        """What the next block is like if nothing moves, (B, 1)."""
        if self.view == "difference":
            return torch.zeros_like(z[:, -1:])
        if self.view != "smooth":
            return z[:, -1:]
        age = torch.arange(z.shape[1] - 1, -1, -1, device=z.device)
        weights = _MEMORY ** age.to(z.dtype)
        return (z * (weights / weights.sum())).sum(dim=1, keepdim=True)

    def _write(self, z: Tensor, steps: int, noise: Tensor | None) -> Tensor:
        """Extends z (B, C, T) by whole blocks until `steps` are reached; returns the new part (B, C, K·m)."""
        window = z.flatten(0, 1)[:, -self.window :]  # (B·C, window)
        if noise is not None:
            window = window + self.noise * noise
        blocks: list[Tensor] = []
        for number in range(-(-steps // self.block)):
            blocks.append(self.next_block(window, self.damping**number))
            window = torch.cat([window, blocks[-1]], dim=1)[:, -self.window :]
        return torch.cat(blocks, dim=1).unflatten(0, z.shape[:2])

    def _profile(self, phase: Tensor) -> Tensor:
        """The profile at phases (B, T), as (B, C, T)."""
        return self.profile[:, phase].transpose(0, 1)
