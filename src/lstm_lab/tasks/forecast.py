"""Forecasting: the next steps of a series, in its own units, with an interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.nets.forecaster import VIEWS, BlockForecaster
from lstm_lab.nets.segments import SegmentForecaster
from lstm_lab.spec import Spec, Values
from lstm_lab.tasks.base import Task
from lstm_lab.tasks.blueprint import Blueprint
from lstm_lab.tasks.framing import DECODERS, Framing, ask, go_on, segment_loss, segment_predict

_LOSSES: dict[str, Callable[..., Tensor]] = {
    "mae": nn.functional.l1_loss,
    "mse": nn.functional.mse_loss,
    "huber": nn.functional.huber_loss,
}

# What a recursive member reads of a batch, what its forecast is added to, the targets on its scale, and their count.
_Read = tuple[Tensor, Tensor, Tensor, Tensor]


class Forecast(Task):
    """Forecasts by members that differ in view, scale and initial weights, and are averaged by merit.

    Whether a season is best repeated, taken off, or smoothed as well differs from series to series, so members of
    all three views are trained, and the errors on validation rows decide how much each view counts. Defaults were
    chosen on monthly series of the M3 competition; docs/recipes.md has the protocol.

    Args:
        loss: ``mae``, ``mse`` or ``huber``, on the scale of each member, in units of its spread.
        views: views that the members take in turn; ``difference`` and ``smooth`` need a series that shows its
            season.
        scales: scales that the members take in turn; ``log`` needs values that are all positive. Forecasts on
            logarithms extrapolate growth exponentially, which costs more than it gains over several seasons.
        damping: what remains of the movement of a seasonally adjusted level from one season to the next.
        selection: how sharply validation errors decide: a kind counts by its mean squared error to the power of
            minus this; 0 counts all alike (Bates & Granger 1969 for 1).
        noise: Gaussian noise on what the core reads while training, for each view.
        interval: share of future values that the interval should hold.
        head: ``recursive`` (the members above, which feed themselves season by season), ``segment`` (SegRNN),
            ``direct``, ``encoder_decoder``, or ``auto``: recursive for short series with nothing beside them.
        combine: ``mean`` of the members by their weights, or their ``median``.
        output: what the heads that are not recursive write, as all that follows: see `lstm_lab.tasks.framing.Framing`.
        levels: of quantiles.
        transform: of the whole series.
        window: normalisation of each window.
        segment: rows in a segment.
        embedding: size of an embedded segment.
        skip: adds a linear map from the window to the horizon.
        convolution: rows that a causal convolution sees.
        dropout: on what the head reads.
        sampling: share of true segments that an encoder-decoder is fed while training.
    """

    name = "forecast"
    metric = "val/mae"
    refits = True

    def __init__(
        self,
        loss: str = "mae",
        views: Sequence[str] = ("difference", "level", "smooth"),
        scales: Sequence[str] = ("raw",),
        damping: float = 0.6,
        selection: float = 3.0,
        noise: Mapping[str, float] | None = None,
        interval: float = 0.8,
        head: str = "auto",
        combine: str = "mean",
        output: str = "point",
        levels: Sequence[float] = (0.1, 0.25, 0.5, 0.75, 0.9),
        transform: Sequence[str] = ("standard",),
        window: str = "last",
        segment: int | str = "auto",
        embedding: int | str = "auto",
        skip: bool = False,
        convolution: int = 0,
        dropout: float = 0.0,
        sampling: float = 0.0,
    ) -> None:
        check_choice("task.loss", loss, _LOSSES)
        check_choice("task.head", head, ("auto", "recursive", *DECODERS))
        check_choice("task.combine", combine, ("mean", "median"))
        self.head, self.combine = head, combine
        self.framing = Framing(
            output, levels, transform, window, segment, embedding, skip, convolution, dropout, sampling
        )
        for view in views:
            check_choice("task.views", view, VIEWS)
        for scale in scales:
            check_choice("task.scales", scale, ("raw", "log"))
        if not 0 < interval < 1:
            raise UserError(f"task.interval={interval} must lie between 0 and 1.")
        self.loss_name, self.views, self.scales = loss, list(views), list(scales)
        self.noise = (
            {"difference": 0.5, "level": 0.3, "smooth": 0.3, "value": 0.0} if noise is None else dict(noise)
        )
        self.damping, self.selection, self.interval = damping, selection, interval
        check_at_least("task.damping", damping, 0)
        check_at_least("task.selection", selection, 0)
        self._loss = _LOSSES[loss]

    def to_plain(self) -> dict[str, Any]:
        """Name and settings as plain data."""
        return {
            "name": self.name,
            "loss": self.loss_name,
            "views": self.views,
            "scales": self.scales,
            "damping": self.damping,
            "selection": self.selection,
            "noise": self.noise,
            "interval": self.interval,
            "head": self.head,
            "combine": self.combine,
            **self.framing.to_plain(),
        }

    def members(self, statistics: dict[str, Any], rows: int) -> int:
        """Five of each kind for short series, one of each kind for long ones."""
        if self._head(statistics) != "recursive":
            return len(self.framing.kinds(statistics))
        return len(self._kinds(statistics)) * (5 if rows <= 1000 else 1)

    def _head(self, statistics: dict[str, Any]) -> str:
        if "scales" not in statistics:
            raise UserError("a forecast needs what its data measured: statistics=data.processor.statistics.")
        return statistics.get("head", "recursive") if self.head == "auto" else self.head

    def steps(self, batches: int) -> int:
        """Optimiser steps that are usual: 80, and ten passes where a pass is long."""
        return max(80, 10 * batches)

    def _kinds(self, statistics: dict[str, Any]) -> list[tuple[str, str]]:
        """The pairs of view and scale that fit a series."""
        scales = [scale for scale in self.scales if scale in statistics["scales"]]
        if not scales:
            raise UserError("task.scales=[log] needs values above zero; add raw.")
        views = [view for view in self.views if view in statistics["scales"][scales[0]]]
        if not views:
            raise UserError(f"task.views={self.views} need a series that shows its season; add level.")
        return [(view, scale) for view in views for scale in scales]

    def build_net(self, blueprint: Blueprint) -> nn.Module:
        """Builds member `number`, whose turn decides its view and scale, or its transform and window.

        Raises:
            UserError: for a front end, and a head that cannot read what stands beside the series.
        """
        if name := (blueprint.frontend or {}).get("name"):
            raise UserError(
                f"frontend={name}: a forecast reads its rows through task.transform and task.window alone."
            )
        spec, statistics, number = blueprint.spec, blueprint.statistics, blueprint.number
        head = self._head(statistics)
        if head != "recursive":
            return self.framing.build(head, self.loss_name, spec, blueprint.core, statistics, number)
        self._check_recursive(spec, statistics)
        kinds = self._kinds(statistics)
        view, scale = kinds[number % len(kinds)]
        fitted, block = statistics["scales"][scale][view], statistics["block"]
        reach = block if "difference" in statistics["scales"][scale] else 0
        return BlockForecaster(
            blueprint.build_core(1),
            view=view,
            scale=scale,
            block=block,
            spread=fitted["spread"],
            profile=fitted.get("profile"),
            floor=statistics["floor"],
            window=spec.length - reach,
            horizon=spec.target.steps,
            damping=self.damping if view in ("level", "smooth") and statistics["seasonal"] else 1.0,
            noise=self.noise.get(view, 0.0),
        )

    def _check_recursive(self, spec: Spec, statistics: dict[str, Any]) -> None:
        assert isinstance(spec.inputs, Values)
        beside = spec.inputs.names[spec.target.size : -1]
        if beside:
            heads = ", ".join(DECODERS)
            raise UserError(
                f"task.head=recursive reads nothing beside the series, not '{beside[0]}'. Allowed: {heads}."
            )
        if self.framing.output != "point":
            raise UserError(f"task.output={self.framing.output} needs task.head={', '.join(DECODERS)}.")
        block = statistics["block"]
        if spec.length <= block > 1:
            raise UserError(f"data.lookback={spec.length} must be more than one season ({block} rows).")
        if spec.length < 2 * block and any(view == "difference" for view, _ in self._kinds(statistics)):
            raise UserError(
                f"data.lookback={spec.length} must be at least two seasons ({2 * block} rows), or leave "
                "difference out of task.views."
            )

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """Mean error on the member's scale in units of its spread, over the targets that exist."""
        if isinstance(net, SegmentForecaster):
            return segment_loss(net, batch, self.teacher)
        assert isinstance(net, BlockForecaster)
        return self._block_loss(net, batch, net.draw(batch.inputs), self._read(net, batch))

    def prepared(self, nets: Sequence[nn.Module], batch: Batch) -> list[Callable[[], Tensor]] | None:
        """The losses of recursive members with their noise drawn; None where dropout draws in the middle of a step."""
        if self.teacher is not None:
            ask(self.teacher, batch)  # threads then find the answer there
        later: list[Callable[[], Tensor]] = []
        read: dict[tuple[str, ...], _Read] = {}  # once for all members of a kind
        for net in nets:
            if not isinstance(net, BlockForecaster) or not _still(net):
                return None
            kind = _kind(net)
            if kind not in read:
                read[kind] = self._read(net, batch)
            later.append(partial(self._block_loss, net, batch, net.draw(batch.inputs), read[kind]))
        return later

    def _read(self, net: BlockForecaster, batch: Batch) -> _Read:
        truth, known = batch.targets["horizon"], batch.targets["horizon_mask"]
        return *net.read(batch.inputs, truth.shape[1]), _on_scale(net, truth, known), known.sum().clamp_min(1)

    def _block_loss(self, net: BlockForecaster, batch: Batch, noise: Tensor | None, read: _Read) -> Tensor:
        z, base, truth, count = read
        known = batch.targets["horizon_mask"]
        forecast = net.write(z, base, truth.shape[1], noise)
        loss = self._distance(net, forecast, truth, known) / count
        if self.teacher is None:
            return loss
        told, every = ask(self.teacher, batch)["forecast"], torch.ones_like(known)
        apart = self._distance(net, forecast, _on_scale(net, told, every), every) / every.sum()
        return self.teacher.blend(loss, apart)

    def _distance(self, net: BlockForecaster, forecast: Tensor, truth: Tensor, known: Tensor) -> Tensor:
        """How far a forecast is from what is known, the sum over (B, S, D), both on a member's scale."""
        error = torch.where(known, (forecast - truth) / net.spread, 0.0)
        return self._loss(error, torch.zeros_like(error), reduction="sum")

    def predict(
        self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch, steps: int | None = None
    ) -> dict[str, Tensor]:
        """Returns ``forecast`` (B, S, D), the members combined; S is the horizon, or `steps`.

        Several members add ``scatter`` (B, S, D), their standard deviation, by which the interval is wider where they
        disagree. A head that knows more than a point adds ``quantiles`` (B, S, D, Q). Of several series there is
        ``spread`` (B, 1, D), by which `error` makes them comparable.
        """
        if not isinstance(nets[0], SegmentForecaster):
            return self._combined([{"forecast": net(batch.inputs, steps)} for net in nets], weights)
        heads = [net for net in nets if isinstance(net, SegmentForecaster)]
        found = self._combined([segment_predict(net, batch, self.framing.levels) for net in heads], weights)
        if steps is not None:
            found = go_on(lambda one: self.predict(nets, weights, one), found, batch, steps)
        if heads[0].channels > 1:
            # len() would fix the size of the batch in a graph.
            found["spread"] = heads[0].unit.expand(batch.inputs.shape[0], 1, -1)
        return found

    def _combined(self, found: list[dict[str, Tensor]], weights: Tensor) -> dict[str, Tensor]:
        """The members' predictions as one; quantiles are averaged level by level."""
        result = {}
        for name in found[0]:
            members = torch.stack([one[name] for one in found])  # (M, B, S, D, …)
            if self.combine == "median":
                result[name] = members.quantile(0.5, dim=0)
            else:
                result[name] = torch.einsum("m,m...->...", weights, members)
        if len(found) > 1:
            members = torch.stack([one["forecast"] for one in found])
            apart = torch.einsum("m,m...->...", weights, (members - result["forecast"]) ** 2)
            result["scatter"] = apart.sqrt()
        return result

    def weigh(self, nets: Sequence[nn.Module], batches: Iterable[Batch]) -> Tensor:
        """Returns the weight of each member (M,), by the errors of its kind on rows that it was not trained on.

        A squared error counts less with each season ahead, because it grows with them.
        """
        kinds = [_kind(net) for net in nets]
        errors, count = dict.fromkeys(kinds, 0.0), 0.0
        for batch in batches:
            known, truth = batch.targets["horizon_mask"], batch.targets["horizon"]
            block = getattr(nets[0], "block", truth.shape[1])
            seasons = 1 + torch.arange(truth.shape[1], device=truth.device) // block
            count += float(known.sum())
            for kind in errors:
                alike = [net for net, one in zip(nets, kinds, strict=True) if one == kind]
                single = [self.predict([net], torch.ones(1, device=truth.device), batch) for net in alike]
                forecast = torch.stack([one["forecast"] for one in single]).mean(0)
                forecast, truth = (one / single[0].get("spread", 1.0) for one in (forecast, truth))
                missed = torch.where(known, (forecast - truth) ** 2 / seasons[:, None], 0.0)
                errors[kind] += float(missed.sum())
        merit = [
            -self.selection * math.log(max(errors[kind] / count, 1e-30)) - math.log(kinds.count(kind))
            for kind in kinds
        ]
        return torch.softmax(torch.tensor(merit), 0)

    def error(self, predictions: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
        """Sum and count of absolute errors in the user's units; of several series, in units of their spread."""
        known = batch.targets["horizon_mask"]
        missed = (predictions["forecast"] - batch.targets["horizon"]).abs() / predictions.get("spread", 1.0)
        return torch.where(known, missed, 0.0).sum(), known.sum()


def _on_scale(net: BlockForecaster, truth: Tensor, known: Tensor) -> Tensor:
    """Targets on a member's scale: what is masked may hold anything, and is replaced before it meets a logarithm."""
    return net.to_scale(torch.where(known, truth, net.floor))


def _still(net: BlockForecaster) -> bool:
    """Whether the core draws nothing while it trains."""
    core = net.core
    zoneout = [getattr(cell, "zoneout", 0.0) for cell in getattr(core, "cells", [])]
    between = core.dropout if len(core.widths) > 1 else 0.0
    return not any([between, core.recurrent_dropout, core.weight_drop, *zoneout])


def _kind(net: nn.Module) -> tuple[str, ...]:
    """What members have in common that are weighed together."""
    if isinstance(net, SegmentForecaster):
        return (net.transform.curve, net.transform.scale, net.affine.word)
    assert isinstance(net, BlockForecaster)
    return (net.view, net.scale)
