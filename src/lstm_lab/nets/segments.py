"""Forecasters that read a window in segments and write the whole horizon: direct, parallel or step by step.

Shapes: B windows, L rows read, S rows forecast, C series (each forecast by the same weights), K covariates of a row
read, J of a row ahead, w rows in a segment, n = L // w segments read, m = ⌈S / w⌉ written, E the embedding, H units,
P numbers a step. What O and A of the covariates each series has for itself makes K' = K + (C - 1) (O + A) and
J' = J + (C - 1) A columns, see `lstm_lab.nets.beside`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.features.instance import WINDOWS, Affine, Difference, lags_of
from lstm_lab.features.transforms import Transform, split_words
from lstm_lab.nets.beside import deal
from lstm_lab.nets.outputs import Point
from lstm_lab.nets.recurrent import Recurrent, State

__all__ = ["DECODERS", "WINDOWS", "SegmentForecaster", "Transform", "split_words"]

DECODERS = ("direct", "parallel", "recurrent")


class Readout(nn.Module):
    """The last state to all steps of the horizon at once, with what is known ahead of each of them.

    Args:
        units: H.
        steps: S.
        size: P.
        future: J.
    """

    def __init__(self, units: int, steps: int, size: int, future: int) -> None:
        super().__init__()
        self.steps, self.size = steps, size
        self.line = nn.Linear(units, steps * size)
        self.mix = nn.Linear(units, 32) if future else None
        self.ahead = nn.Linear(future, 32) if future else None
        self.known = nn.Linear(32, size) if future else None
        _silence(self.line, self.known)

    def forward(self, state: Tensor, future: Tensor | None) -> Tensor:
        """(B·C, H) and (B·C, S, J) to (B·C, S, P)."""
        out = self.line(state).unflatten(-1, (self.steps, self.size))
        if self.mix is not None and self.ahead is not None and self.known is not None:
            assert future is not None
            out = out + self.known(torch.relu(self.mix(state)[:, None] + self.ahead(future)))
        return out


class SegmentForecaster(nn.Module):
    """A recurrent core over segments of a normalised window, and one of three decoders.

    * ``parallel`` (SegRNN, Lin et al. 2023): every segment of the horizon is one step of the same core from the
      last state, told apart by an embedding of its position and of the series; all of them in one batch.
    * ``recurrent``: the segments one after the other, each fed back: an encoder-decoder with shared weights.
    * ``direct``: one linear map from the last state to the horizon.

    Each series is read on its own (channel independence), by the same weights; covariates stand beside it. What writes
    begins at zero: an untrained net with ``window="last"`` is the naive forecast, and training only adds to it.

    Args:
        core: recurrent core with E inputs.
        transform: of the whole series.
        outputs: what a step is made of.
        channels: C.
        lookback: L.
        horizon: S.
        embedding: E.
        segment: w; rows before the last n·w are not read.
        window: normalisation of a window, one of `lstm_lab.features.instance.WINDOWS`.
        decoder: ``parallel``, ``recurrent`` or ``direct``.
        season: steps in a season, for ``seasonal`` and ``both`` differences.
        covariates: K.
        future: J.
        own: O, of the covariates that are not known ahead.
        own_future: A.
        masked: whether the net is told which values were missing.
        static: C rows of numbers that belong to a series and never change, or None.
        identity: whether weights are learnt for each series alone; without them a net takes series that it never saw.
        skip: adds a linear map from the window to the horizon (as in LSTNet, Lai et al. 2018), zero at first.
        convolution: rows that a causal convolution sees before segments are cut; 0 for none.
        dropout: on what the decoder reads.
        sampling: with ``recurrent`` while training, the share of segments fed back from the truth.
        unit: spread of each series, by which their errors are made comparable.
    """

    unit: Tensor
    static: Tensor | None

    def __init__(
        self,
        core: Recurrent,
        transform: Transform,
        outputs: Point,
        *,
        channels: int,
        lookback: int,
        horizon: int,
        embedding: int,
        segment: int,
        window: str = "last",
        decoder: str = "parallel",
        season: int = 1,
        covariates: int = 0,
        future: int = 0,
        own: int = 0,
        own_future: int = 0,
        masked: bool = False,
        static: Sequence[Sequence[float]] | None = None,
        identity: bool = True,
        skip: bool = False,
        convolution: int = 0,
        dropout: float = 0.0,
        sampling: float = 0.0,
        unit: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        check_choice("task.decoder", decoder, DECODERS)
        check_at_least("task.segment", segment, 1)
        if segment > lookback:
            raise UserError(f"task.segment={segment} is longer than the {lookback} rows that are read.")
        self.core, self.transform, self.outputs = core, transform, outputs
        self.register_buffer("unit", torch.ones(channels) if unit is None else torch.tensor(unit))
        self.channels, self.horizon, self.segment, self.decoder = channels, horizon, segment, decoder
        self.read, self.written = lookback // segment, -(-horizon // segment)
        self.masked, self.sampling, self.lookback = masked, sampling, lookback
        self.own, self.own_future = own, own_future
        lags = lags_of(window, season)
        if sum(lags) >= lookback:
            raise UserError(
                f"task.window={window} needs more than {sum(lags)} rows; data.lookback={lookback}."
            )
        self.difference = Difference(lags) if lags else None
        self.affine = Affine("none" if lags else window, channels if identity else 1)
        features = 1 + masked + covariates
        self.convolve = nn.Conv1d(features, features, convolution, groups=features) if convolution else None
        self.embed = nn.Linear(segment * features, embedding)
        self.dropout = nn.Dropout(dropout)
        self.skip = nn.Linear(self.read * segment, horizon, bias=False) if skip else None
        _silence(self.skip)
        self._build_identity(embedding, static, channels if identity else 1)
        self._build_decoder(embedding, future)

    def _build_identity(
        self, embedding: int, static: Sequence[Sequence[float]] | None, told_apart: int
    ) -> None:
        """Which series a window belongs to: a learnt row for each, and a map of what is known of it."""
        half = embedding - embedding // 2
        self.series = nn.Parameter(torch.randn(told_apart, half)) if told_apart > 1 else None
        self.register_buffer("static", None if static is None else torch.tensor(static, dtype=torch.float32))
        self.known = None if static is None else nn.Linear(len(static[0]), half)

    def _build_decoder(self, embedding: int, future: int) -> None:
        size, units = self.outputs.size, self.core.output_size
        self.future = future
        if self.decoder == "direct":
            half = embedding - embedding // 2
            told = half if self.series is not None or self.known is not None else 0
            self.head: nn.Module = Readout(units + told, self.horizon, size, future)
            return
        self.head = nn.Linear(units, self.segment * size)
        _silence(self.head)
        self.ahead = nn.Linear(self.segment * future, embedding) if future else None
        if self.decoder == "parallel":
            self.position = nn.Parameter(torch.randn(self.written, embedding // 2))
        else:
            self.feed = nn.Linear(self.segment, embedding)

    # -- the whole way --------------------------------------------------------------------------------------

    def forward(
        self,
        inputs: Tensor,
        observed: Tensor | None = None,
        future: Tensor | None = None,
        truth: Tensor | None = None,
    ) -> Tensor:
        """Returns (B, S, C, P): parameters on the transformed scale.

        Args:
            inputs: (B, L, C + K'), the series in the user's units, then covariates, those known ahead last.
            observed: (B, L, C + K'), False where a value was filled.
            future: (B, S, J').
            truth: (B, S, C) in the user's units, for scheduled sampling.
        """
        channels = self.channels
        u = self.transform(inputs[..., :channels]).transpose(1, 2)  # (B, C, L)
        z, shift, scale, ends = self._normalise(u)
        steps = self._features(z, self._beside(inputs[..., channels:]), observed)  # (B, C, L, F)
        state, last = self._encode(steps)
        ahead = None if truth is None else self._ahead(truth, shift, scale)
        known = (
            deal(future, channels, self.own_future).flatten(0, 1)
            if self.future and future is not None
            else None
        )
        raw = self._decode(state, last, z, known, ahead)  # (B·C, S, P)
        raw = raw.unflatten(0, (-1, channels))  # (B, C, S, P)
        if self.skip is not None:
            line = self.skip(z[..., -self.read * self.segment :])  # (B, C, S)
            raw = raw + _centred(line, self.outputs)
        if self.difference is not None:
            raw = self.difference.inverse(raw[..., 0], ends)[..., None]
        else:
            raw = self.outputs.place(raw, shift[..., None], scale[..., None])
        return raw.transpose(1, 2)  # (B, S, C, P)

    def _normalise(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
        z, shift, scale = self.affine(u)
        if self.difference is None:
            return z, shift, scale, []
        z, ends = self.difference(u)
        return z, shift, scale, ends

    def _beside(self, columns: Tensor) -> Tensor:
        """Covariates of each series, (B, C, L, K)."""
        if not self.own and not self.own_future:
            return deal(columns, self.channels, 0)
        ahead = self.future + (self.channels - 1) * self.own_future
        past, known = columns.split([columns.shape[-1] - ahead, ahead], dim=-1)
        parts = [deal(past, self.channels, self.own), deal(known, self.channels, self.own_future)]
        return torch.cat(parts, dim=-1)

    def _features(self, z: Tensor, covariates: Tensor, observed: Tensor | None) -> Tensor:
        """What is read at each row of each series, (B, C, L, 1 + masked + K)."""
        parts = [z[..., None]]
        if self.masked:
            seen = torch.ones_like(z) if observed is None else observed[..., : z.shape[1]].transpose(1, 2)
            parts.append(seen.to(z.dtype)[..., None])
        if covariates.shape[-1]:
            parts.append(covariates)
        steps = torch.cat(parts, dim=-1) if len(parts) > 1 else parts[0]
        if self.convolve is not None:
            flat = steps.flatten(0, 1).transpose(1, 2)  # (B·C, F, L)
            past = nn.functional.pad(flat, (self.convolve.kernel_size[0] - 1, 0))
            steps = (flat + torch.relu(self.convolve(past))).transpose(1, 2).unflatten(0, steps.shape[:2])
        return steps

    def _encode(self, steps: Tensor) -> tuple[State, Tensor]:
        """The core's state after all segments, and its last output (B·C, H)."""
        kept = steps[:, :, -self.read * self.segment :]
        segments = kept.flatten(0, 1).unflatten(1, (self.read, self.segment)).flatten(2)  # (B·C, n, w·F)
        outputs, state = self.core(torch.relu(self.embed(segments)))
        return state, outputs[:, -1]

    def _identity(self, batch: int) -> Tensor | None:
        """(B·C, E - E//2), which series each row is."""
        told = None
        if self.series is not None:
            told = self.series
        if self.known is not None:
            known = self.known(self.static)
            told = known if told is None else told + known
        return None if told is None else told.repeat(batch, 1)

    def _ahead(self, truth: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """The truth as the net would write it, (B·C, m, w)."""
        z = ((self.transform(truth).transpose(1, 2) - shift) / scale).flatten(0, 1)
        missing = self.written * self.segment - z.shape[1]
        return nn.functional.pad(z, (0, missing)).unflatten(1, (self.written, self.segment))

    def _future_segments(self, future: Tensor | None) -> Tensor | None:
        """What is known ahead, (B·C, S, J), embedded by segment: (B·C, m, E)."""
        if future is None or self.ahead is None:
            return None
        missing = self.written * self.segment - future.shape[1]
        padded = nn.functional.pad(future, (0, 0, 0, missing))
        segments = padded.unflatten(1, (self.written, self.segment)).flatten(2)  # (B·C, m, w·J)
        return self.ahead(segments)

    def _decode(
        self, state: State, last: Tensor, z: Tensor, future: Tensor | None, truth: Tensor | None
    ) -> Tensor:
        told = self._identity(z.shape[0])
        if self.decoder == "direct":
            assert isinstance(self.head, Readout)
            return self.head(self.dropout(last if told is None else torch.cat([last, told], -1)), future)
        decode = self._parallel if self.decoder == "parallel" else self._one_by_one
        segments = decode(state, z, told, self._future_segments(future), truth)  # (B·C, m, w·P)
        return segments.unflatten(2, (self.segment, -1)).flatten(1, 2)[:, : self.horizon]

    def _parallel(
        self, state: State, z: Tensor, told: Tensor | None, future: Tensor | None, truth: Tensor | None
    ) -> Tensor:
        rows, m = z.shape[0] * self.channels, self.written
        half = self.embed.out_features - self.position.shape[1]
        who = self.position.new_zeros(rows, half) if told is None else told
        where = torch.cat(
            [self.position.expand(rows, -1, -1), who[:, None].expand(-1, m, -1)], dim=-1
        )  # (B·C, m, E)
        if future is not None:
            where = where + future
        start = [tuple(part.repeat_interleave(m, dim=1) for part in layer) for layer in state]
        outputs, _ = self.core(where.flatten(0, 1)[:, None], state=start)  # (B·C·m, 1, H)
        return self.head(self.dropout(outputs[:, 0])).unflatten(0, (rows, m))

    def _one_by_one(
        self, state: State, z: Tensor, told: Tensor | None, future: Tensor | None, truth: Tensor | None
    ) -> Tensor:
        current = z.flatten(0, 1)[:, -self.segment :]  # (B·C, w)
        written: list[Tensor] = []
        for number in range(self.written):
            step = self.feed(current)
            if told is not None:
                step = step + nn.functional.pad(told, (step.shape[1] - told.shape[1], 0))
            if future is not None:
                step = step + future[:, number]
            output, state = self.core.step(torch.relu(step), state)
            written.append(self.head(self.dropout(output)))
            current = self.outputs.centre(written[-1].unflatten(1, (self.segment, -1)))
            if self.training and truth is not None and self.sampling:
                given = torch.rand(len(current), 1, device=current.device) < self.sampling
                current = torch.where(given, truth[:, number], current)
        return torch.stack(written, dim=1)


def _centred(line: Tensor, outputs: Point) -> Tensor:
    """A line (B, C, S) as raw numbers (B, C, S, P) that move the centre alone."""
    place = getattr(outputs, "middle", 0)
    return nn.functional.pad(line[..., None], (place, outputs.size - place - 1))


def _silence(*layers: nn.Linear | None) -> None:
    """Lets layers write zeros until they are trained."""
    for layer in layers:
        if layer is not None:
            nn.init.zeros_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
