"""The parts of a net that have to remember, so that pieces one after the other are read as the whole would be.

A net is a function of tensors and remembers nothing. In a stream its core, and where need be its front end and its
pooling, are replaced by the parts below, which belong to one stream and keep what the next piece goes on from. The rest
of every net works step by step anyway.

Shapes: one sequence; T steps of a piece, I features for the core, N outputs of it.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.features.audio import AudioFeatures
from lstm_lab.features.stream import FeatureStream
from lstm_lab.nets.classifier import SequenceClassifier
from lstm_lab.nets.cnn import FrameEncoder
from lstm_lab.nets.crf import CRF
from lstm_lab.nets.embedding import Embedding
from lstm_lab.nets.frame_forecaster import EncoderForecaster, NextFrame
from lstm_lab.nets.frontend import Standardise
from lstm_lab.nets.pooling import Pooling
from lstm_lab.nets.rebuilding import one_way_core
from lstm_lab.nets.recurrent import Recurrent, State
from lstm_lab.nets.speech import SpeechFrontend
from lstm_lab.nets.speech_stream import SpeechStream


class CarriedCore(nn.Module):
    """A recurrent core that goes on from where it ended.

    Args:
        core: in one direction.
    """

    def __init__(self, core: Recurrent) -> None:
        super().__init__()
        self.core, self.output_size, self.directions = core, core.output_size, core.directions
        self.state: State = core.initial_state(1)
        self.steps = 0

    def forward(
        self, x: Tensor, lengths: Tensor | None = None, state: State | None = None, masks: Any = None
    ) -> tuple[Tensor, State]:
        """As `Recurrent.forward` for a piece (1, T, I) of real steps; T may be 0."""
        if not x.shape[1]:
            return x.new_zeros(1, 0, self.output_size), self.state
        outputs, self.state = self.core(x, None, self.state)
        self.steps += x.shape[1]
        return outputs, self.state

    def remembered(self) -> dict[str, Tensor]:
        """The state of each layer."""
        return {
            f"core.{layer}.{place}": part
            for layer, parts in enumerate(self.state)
            for place, part in enumerate(parts)
        }


class CarriedPooling(nn.Module):
    """The pooling of all steps so far: sums and maxima that go on, instead of the outputs themselves.

    Args:
        pooling: what it does with a whole sequence.
    """

    def __init__(self, pooling: Pooling) -> None:
        super().__init__()
        self.pooling, self.steps = pooling, 0
        self.total: Tensor | None = None  # (N,): the sum, the maximum, or the weighted sum
        self.weight: Tensor | None = None  # sum of exp(score - highest)
        self.highest: Tensor | None = None

    def forward(self, outputs: Tensor, lengths: Tensor, state: State) -> Tensor:
        """Returns (1, N) over all pieces up to this one, outputs (1, T, N)."""
        kind, piece = self.pooling.kind, outputs[0].double()  # sums over a long stream keep their last digits
        if kind == "last":
            return self.pooling(outputs, lengths, state)
        if len(piece):
            self.steps += len(piece)
            self._add(kind, outputs, piece)
        if self.total is None:
            return outputs.new_zeros(1, outputs.shape[-1])
        found = self.total / self.steps if kind == "mean" else self.total
        if self.weight is not None:
            found = self.total / self.weight
        return found[None].to(outputs.dtype)

    def _add(self, kind: str, outputs: Tensor, piece: Tensor) -> None:
        if kind == "max":
            new = piece.amax(0)
            self.total = new if self.total is None else torch.maximum(self.total, new)
            return
        if kind == "mean":
            self.total = piece.sum(0) if self.total is None else self.total + piece.sum(0)
            return
        # The softmax over all steps: earlier terms are brought to the highest score so far (Milakov & Gimelshein
        # 2018, "Online normalizer calculation for softmax").
        scores = self.pooling.scores(outputs)[0].double()  # (T,)
        before = self.highest if self.highest is not None else torch.full_like(scores[0], -torch.inf)
        self.highest = torch.maximum(before, scores.max())
        shrunk, terms = (before - self.highest).exp(), (scores - self.highest).exp()
        total = torch.zeros_like(piece[0]) if self.total is None else self.total
        weight = torch.zeros_like(scores[0]) if self.weight is None else self.weight
        self.total, self.weight = total * shrunk + terms @ piece, weight * shrunk + terms.sum()

    def remembered(self) -> dict[str, Tensor]:
        """The sums so far."""
        parts = {"total": self.total, "weight": self.weight, "highest": self.highest}
        return {f"pooling.{name}": part for name, part in parts.items() if part is not None}


class CarriedPlaces(nn.Module):
    """An embedding of symbols and of places that knows how many symbols came before.

    Args:
        front: with vectors for places.
    """

    def __init__(self, front: Embedding) -> None:
        super().__init__()
        self.front, self.output_size, self.read = front, front.output_size, 0

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns (1, T, I) and the length."""
        assert self.front.places is not None
        end = self.read + batch.inputs.shape[1]
        if end > len(self.front.places):
            raise UserError(
                f"a stream of {end} symbols: frontend.positions={len(self.front.places)} has no vector for places"
                " beyond; train with frontend.positions=0."
            )
        x = self.front.table(batch.inputs) + self.front.places[self.read : end]
        self.read = end
        return x, batch.lengths

    def remembered(self) -> dict[str, Tensor]:
        """How many symbols were read."""
        return {"front.read": torch.tensor(self.read)}


class CarriedMotion(nn.Module):
    """An encoder of frames and of what changed since the frame before, which it keeps.

    Args:
        front: with ``motion``.
    """

    def __init__(self, front: FrameEncoder) -> None:
        super().__init__()
        self.front, self.output_size = front, front.output_size
        self.before: Tensor | None = None

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns (1, T, I) and the length."""
        frames = batch.inputs if self.before is None else torch.cat([self.before, batch.inputs], dim=1)
        x, _ = self.front(Batch(frames, torch.tensor([frames.shape[1]]), batch.keys))
        self.before = batch.inputs[:, -1:]
        return x[:, -batch.inputs.shape[1] :], batch.lengths

    def remembered(self) -> dict[str, Tensor]:
        """The last frame."""
        return {} if self.before is None else {"front.before": self.before}


class CarriedSpeech(nn.Module):
    """A front end for sounds that keeps the frames, and the samples, that later steps reach back to.

    Args:
        front: normalised by the training part.

    Attributes:
        last: whether nothing follows the next piece; then what was held back comes too.
    """

    def __init__(self, front: SpeechFrontend) -> None:
        super().__init__()
        self.output_size, self.subsampling = front.output_size, front.subsampling
        self.steps = SpeechStream(front)
        self.waves = None if front.front is None else FeatureStream(front.front)
        self.last = False

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Takes frames (1, T, F), or a wave (1, N, 1), to the steps (1, T', I) that are complete; T' may be 0."""
        piece = batch.inputs[0]
        if self.waves is not None:
            piece = self.waves.push(piece[:, 0], self.last)
        x = self.steps.push(piece, self.last)
        return x[None], torch.tensor([len(x)])

    def remembered(self) -> dict[str, Tensor]:
        """Frames, and samples of the wave."""
        waves = {} if self.waves is None else {"front.samples": self.waves.remembered}
        return {"front.frames": self.steps.remembered, **waves}


class CarriedFeatures:
    """What a processor makes of a wave before any net reads it, piece by piece.

    Args:
        settings: of `AudioFeatures`.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.stream = FeatureStream(AudioFeatures(**settings))

    def remembered(self) -> dict[str, Tensor]:
        """Samples that later frames reach back to."""
        return {"features.samples": self.stream.remembered}


class CarriedFrames(nn.Module):
    """A net that predicts frames and goes on from the maps that it remembers.

    Args:
        net: of frames.
    """

    def __init__(self, net: EncoderForecaster | NextFrame) -> None:
        super().__init__()
        self.net, self.horizon, self.steps = net, net.horizon, 0
        self.state: Any = None

    def forward(self, frames: Tensor, lengths: Tensor | None = None, steps: int = 1) -> Tensor:
        """Returns the logits of `steps` frames after all that were read, the piece (1, T, C, H, W) among them."""
        self.steps += frames.shape[1]
        if isinstance(self.net, EncoderForecaster):
            self.state = self.net.read(frames, None, self.state)
            return self.net.unroll(self.state, steps)
        last, self.state = self.net.read(frames, None, self.state)
        return self.net.unroll(last, self.state, steps)

    def remembered(self) -> dict[str, Tensor]:
        """The maps of each layer."""
        return {
            f"maps.{layer}.{place}": part
            for layer, parts in enumerate(self.state or [])
            for place, part in enumerate(parts)
        }


def carry(net: nn.Module) -> tuple[nn.Module, list[Any]]:
    """Returns a net that shares the weights of another and remembers, and its parts that do.

    Raises:
        UserError: for a net that must see a whole sequence, saying what makes it so and what to change.
    """
    if isinstance(net, EncoderForecaster | NextFrame):
        frames = CarriedFrames(net)
        return frames, [frames]
    core = one_way_core(net, "stream=true")
    _check_tagger(net)
    twin = copy.copy(net)
    twin._modules = dict(net._modules)
    parts: list[Any] = [CarriedCore(core)]
    twin._modules["core"] = parts[0]
    front = _carried_front(net.frontend)
    if front is not None:
        twin._modules["frontend"] = front
        parts.append(front)
    if isinstance(net, SequenceClassifier):
        twin._modules["pooling"] = CarriedPooling(net.pooling)
        parts.append(twin._modules["pooling"])
    return twin, parts


def _check_tagger(net: nn.Module) -> None:
    if isinstance(getattr(net, "crf", None), CRF):
        raise UserError(
            "stream=true: task.crf=true judges the labels of a whole sequence together; train with task.crf=false."
        )
    layers = getattr(getattr(net, "convolutions", None), "layers", [])
    if len(layers):
        raise UserError(
            "stream=true: convolutions (task.channels) read steps that are still to come; train with task.channels=[]."
        )


def _carried_front(front: Any) -> nn.Module | None:
    """The front end that remembers in the place of one, None for one that goes step by step anyway."""
    if isinstance(front, Embedding):
        return None if front.places is None else CarriedPlaces(front)
    if isinstance(front, FrameEncoder):
        return CarriedMotion(front) if front.motion else None
    if isinstance(front, SpeechFrontend):
        return CarriedSpeech(front)
    if isinstance(front, Standardise):
        return None
    raise UserError(
        f"stream=true: whether the front end {type(front).__name__} reads step by step is not known; take another."
    )
