"""How a forecaster reads and writes: segments, windows, outputs, and which of several ways are tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.nets.init import build_core
from lstm_lab.nets.outputs import KINDS, Quantiles, build_outputs
from lstm_lab.nets.segments import WINDOWS, SegmentForecaster, Transform, split_words
from lstm_lab.spec import Spec, Values
from lstm_lab.tasks.teaching import Teacher

# Heads by their word, and the decoder that each is.
DECODERS = {"direct": "direct", "segment": "parallel", "encoder_decoder": "recurrent"}
# What `auto` tries, where the data allow it; validation weighs them.
_TRANSFORMS = (["standard"], ["log", "standard"])
_WINDOWS = ("last", "revin")
# Rows that `task.segment=auto` takes at most.
_SEGMENT = 48


@dataclass
class Framing:
    """Settings of the heads that write a horizon at once.

    Attributes:
        output: ``point``, ``quantiles``, ``normal``, ``student_t`` or ``negative_binomial``.
        levels: quantile levels, rising, 0.5 in the middle; also those that a distribution is asked for.
        transform: a curve and a scale, see `lstm_lab.features.transforms`, or ``auto``.
        window: normalisation of each window, see `lstm_lab.features.instance`, or ``auto``.
        segment: rows in a segment, or ``auto``: a season where it divides the window, else at most 48 rows.
        embedding: size of an embedded segment, or ``auto``: the units of the core.
        skip: adds a linear map from the window to the horizon.
        convolution: rows that a causal convolution sees; 0 for none.
        dropout: on what the head reads.
        sampling: share of true segments that an encoder-decoder is fed while training.
    """

    output: str = "point"
    levels: Sequence[float] = (0.1, 0.25, 0.5, 0.75, 0.9)
    transform: str | Sequence[str] = "standard"
    window: str = "last"
    segment: int | str = "auto"
    embedding: int | str = "auto"
    skip: bool = False
    convolution: int = 0
    dropout: float = 0.0
    sampling: float = 0.0

    def __post_init__(self) -> None:
        check_choice("task.output", self.output, KINDS)
        check_choice("task.window", self.window, (*WINDOWS, "auto"))
        self.levels = [float(level) for level in self.levels]
        self.transform = [self.transform] if isinstance(self.transform, str) else list(self.transform)
        if self.transform != ["auto"]:
            split_words(self.transform)
        for name in ("dropout", "sampling"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"task.{name}={getattr(self, name)} must lie between 0 and 1.")
        check_at_least("task.convolution", self.convolution, 0)
        build_outputs(self.output, "mae", self.levels)
        if self.output == "negative_binomial" and (
            self.transform not in (["none"], []) or self.window not in ("mean", "none")
        ):
            raise UserError(
                "task.output=negative_binomial counts: it needs task.transform=[none] and task.window=mean or none."
            )
        if self.output != "point" and self.window in ("difference", "seasonal", "both"):
            raise UserError(
                f"task.window={self.window} adds points up; task.output={self.output} needs another."
            )

    def to_plain(self) -> dict[str, Any]:
        """Plain data for the checkpoint."""
        return asdict(self)

    def kinds(self, statistics: dict[str, Any]) -> list[tuple[list[str], str]]:
        """The pairs of transform and window that members take in turn."""
        moments = statistics["moments"]
        transforms = [list(self.transform)]
        if transforms == [["auto"]]:
            transforms = [words for words in _TRANSFORMS if split_words(words)[0] in moments]
        windows = _WINDOWS if self.window == "auto" else (self.window,)
        return [(words, window) for words in transforms for window in windows]

    def build(
        self, head: str, loss: str, spec: Spec, core: dict[str, Any], statistics: dict[str, Any], number: int
    ) -> SegmentForecaster:
        """Builds member `number`, whose turn decides its transform and window."""
        assert isinstance(spec.inputs, Values)
        kinds = self.kinds(statistics)
        words, window = kinds[number % len(kinds)]
        hidden = core["hidden_size"]
        embedding = (
            (hidden if isinstance(hidden, int) else hidden[0]) if self.embedding == "auto" else self.embedding
        )
        assert isinstance(embedding, int)
        channels = spec.target.size
        # Columns of what each series has for itself are counted once: that is what it reads.
        own, own_future = (statistics.get("each", {}).get(name, 0) for name in ("past", "future"))
        if self.output == "negative_binomial" and min(statistics["floor"]) < 0:
            raise UserError(
                f"task.output=negative_binomial needs counts; the data go down to {min(statistics['floor'])}."
            )
        if self.output == "negative_binomial" and not statistics.get("whole", True):
            raise UserError("task.output=negative_binomial needs counts; the training rows hold fractions.")
        return SegmentForecaster(
            build_core(embedding, core),
            Transform(words, statistics["moments"]),
            build_outputs(self.output, loss, self.levels),
            channels=channels,
            lookback=spec.length,
            horizon=spec.target.steps,
            embedding=embedding,
            segment=self._segment(head, spec.length, statistics["block"]),
            window=window,
            decoder=DECODERS[head],
            season=statistics["block"],
            covariates=spec.inputs.size - channels - 1 - (channels - 1) * (own + own_future),
            future=len(spec.future) - (channels - 1) * own_future,
            own=own,
            own_future=own_future,
            masked=statistics["missing"],
            static=statistics.get("static"),
            identity=not statistics.get("unseen", False),
            skip=self.skip,
            convolution=self.convolution,
            dropout=self.dropout,
            sampling=self.sampling,
            unit=statistics["moments"]["raw"]["std"],
        )

    def _segment(self, head: str, lookback: int, season: int) -> int:
        if self.segment != "auto":
            return int(self.segment)
        if head == "direct":
            return 1
        if 1 < season <= lookback // 2 and lookback % season == 0:
            return season
        return max(
            (size for size in range(1, min(_SEGMENT, lookback // 2) + 1) if lookback % size == 0), default=1
        )


def segment_loss(net: SegmentForecaster, batch: Batch, teacher: Teacher | None = None) -> Tensor:
    """Mean loss on the transformed scale over the targets that exist, and over all that a teacher forecasts."""
    truth, known = batch.targets["horizon"], batch.targets["horizon_mask"]
    # What is masked may hold anything: it is replaced, not multiplied by zero, before it meets a logarithm.
    truth = torch.where(known, truth, batch.inputs[:, -1:, : truth.shape[-1]])
    sampled = truth if net.sampling else None
    parameters = net(read(net, batch), batch.observed, batch.future, sampled)
    losses = net.outputs.loss(parameters, net.transform(truth))
    loss = torch.where(known, losses, 0.0).sum() / known.sum().clamp_min(1)
    if teacher is None:
        return loss
    return teacher.blend(loss, _from_teacher(net, parameters, teacher, ask(teacher, batch)))


def ask(teacher: Teacher, batch: Batch) -> dict[str, Tensor]:
    """What a teacher forecasts, in the user's units, as far as the targets of a batch go."""
    steps = batch.targets["horizon"].shape[1]
    return teacher.says(batch, lambda nets: teacher.task.predict(nets, teacher.weights, batch, steps))


def _from_teacher(
    net: SegmentForecaster, parameters: Tensor, teacher: Teacher, told: dict[str, Tensor]
) -> Tensor:
    """How far a head is from a teacher: quantile by quantile where both have the same, else as from a truth."""
    alike = isinstance(net.outputs, Quantiles) and net.outputs.levels == teacher.task.framing.levels
    if alike and "quantiles" in told:
        quantiles = net.transform(told["quantiles"].movedim(-1, 0)).movedim(0, -1)  # (B, S, D, Q)
        return (parameters - quantiles).abs().mean()
    return net.outputs.loss(parameters, net.transform(told["forecast"])).mean()


def read(net: SegmentForecaster, batch: Batch) -> Tensor:
    """What a forecaster in segments reads of a batch: all inputs but the phase, which its season does not need."""
    return batch.inputs[:, -net.lookback :, :-1]


def segment_predict(net: SegmentForecaster, batch: Batch, levels: Sequence[float]) -> dict[str, Tensor]:
    """Returns ``forecast`` (B, S, D) and, of a head that knows more than a point, ``quantiles`` (B, S, D, Q)."""
    parameters = net(read(net, batch), batch.observed, batch.future)
    found = {"forecast": net.transform.inverse(net.outputs.centre(parameters))}
    if net.outputs.size > 1:
        quantiles = quantiles_of(net, parameters, levels)  # (B, S, D, Q)
        moved = net.transform.inverse(quantiles.movedim(-1, 0)).movedim(0, -1)  # curves only rise
        found |= {"quantiles": moved, "forecast": moved[..., len(levels) // 2]}
    return found


def go_on(
    predict: Callable[[Batch], dict[str, Tensor]], found: dict[str, Tensor], batch: Batch, steps: int
) -> dict[str, Tensor]:
    """Forecasts beyond the horizon by feeding whole horizons back; cuts what is not asked for.

    Args:
        predict: forecasts one horizon.
        found: its first forecast.
        batch: what it was made from.
        steps: how many are asked for.

    Raises:
        UserError: if something stands beside the series, which nobody knows beyond the horizon.
    """
    parts, inputs = [found], batch.inputs
    while sum(part["forecast"].shape[1] for part in parts) < steps:
        forecast = parts[-1]["forecast"]
        if inputs.shape[2] != forecast.shape[2] + 1:
            raise UserError(
                f"steps={steps}: beyond {forecast.shape[1]} steps nothing is known beside the series."
            )
        written = torch.nn.functional.pad(forecast, (0, 1))  # no phase: heads in segments do not read it
        inputs = torch.cat([inputs, written], dim=1)[:, -inputs.shape[1] :]
        parts.append(predict(replace(batch, inputs=inputs, observed=None)))
    return {name: torch.cat([part[name] for part in parts], dim=1)[:, :steps] for name in found}


def quantiles_of(net: SegmentForecaster, parameters: Tensor, levels: Sequence[float]) -> Tensor:
    """Quantiles (…, Q) of what a head wrote, on the transformed scale."""
    from scipy import stats

    kind = type(net.outputs).__name__
    if kind == "Quantiles":
        return parameters
    given = parameters.detach().double().cpu().numpy()[..., None, :]  # (…, 1, P)
    share = np.asarray(levels)
    if kind == "NegativeBinomial":
        r = 1 / given[..., 1]
        found = stats.nbinom.ppf(share, r, r / (r + given[..., 0]))
    elif kind == "StudentT":
        found = stats.t.ppf(share, given[..., 2], given[..., 0], given[..., 1])
    else:
        found = stats.norm.ppf(share, given[..., 0], given[..., 1])
    return torch.as_tensor(found, dtype=parameters.dtype, device=parameters.device)
