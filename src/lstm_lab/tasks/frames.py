"""Frame prediction: the frames that follow some others.

Shapes: B sequences, T known frames, S frames to predict, C channels, H rows, W columns; pixels from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.nets.frame_forecaster import EncoderForecaster, NextFrame
from lstm_lab.spec import Frames as FrameInputs
from lstm_lab.tasks.base import Task
from lstm_lab.tasks.blueprint import Blueprint

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "bce": F.binary_cross_entropy_with_logits,
    "mse": lambda logits, truth: F.mse_loss(logits.sigmoid(), truth),
    "mae": lambda logits, truth: F.l1_loss(logits.sigmoid(), truth),
}
SAMPLINGS = ("none", "forward", "reverse")
CELLS = ("convlstm", "st_lstm")


class Frames(Task):
    """The next frames, by an encoder and a forecaster, or by a net that reads its own word.

    Args:
        loss: ``bce`` (cross-entropy of a pixel, as Shi et al. 2015 train), ``mse`` or ``mae``.
        sampling: what a net that reads its own word reads while it is trained. ``none``: known frames, then its
            own. ``forward``: beyond the known frames the truth at first, its own more and more often (Bengio et
            al. 2015, "Scheduled sampling for sequence prediction with recurrent neural networks"). ``reverse``:
            among known frames too its own at first, the truth more and more often, so that it has to look
            further back than one frame (Wang et al. 2021, "PredRNN: a recurrent neural network for
            spatiotemporal predictive learning", section 4.4).
        sampling_steps: optimiser steps until the schedule has come to its end, in a straight line.
    """

    name = "frames"
    metric = "val/mse_frame_sum"

    def __init__(self, loss: str = "bce", sampling: str = "none", sampling_steps: int = 10_000) -> None:
        check_choice("task.loss", loss, LOSSES)
        check_choice("task.sampling", sampling, SAMPLINGS)
        check_at_least("task.sampling_steps", sampling_steps, 1)
        self.loss_name, self.sampling, self.sampling_steps = loss, sampling, sampling_steps

    def to_plain(self) -> dict[str, Any]:
        """Name and settings as plain data."""
        return {
            "name": self.name,
            "loss": self.loss_name,
            "sampling": self.sampling,
            "sampling_steps": self.sampling_steps,
        }

    def steps(self, batches: int) -> int:
        """Twenty passes, at least 1,000 steps."""
        return max(1000, 20 * batches)

    def build_net(self, blueprint: Blueprint) -> nn.Module:
        """Builds an `EncoderForecaster`, or a `NextFrame` where frames are fed back, by ``maps`` of the core."""
        spec, core = blueprint.spec, blueprint.core
        if not isinstance(spec.inputs, FrameInputs):
            raise UserError("task=frames needs frames, such as data=moving_digits.")
        if core["cell"] not in CELLS:
            raise UserError(f"task=frames needs maps: model=convlstm or predrnn, not cell={core['cell']}.")
        settings = {"patch": 1, "kernel": 5, "feedback": False, **core.get("maps", {})}
        feedback = settings.pop("feedback")
        settings |= {key: core[key] for key in ("hidden_size", "num_layers", "forget_bias")}
        if core["cell"] == "st_lstm" and not feedback:
            raise UserError("model.maps.feedback=false: st_lstm reads its own frames; take cell=convlstm.")
        if not feedback and self.sampling != "none":
            raise UserError(
                f"task.sampling={self.sampling} needs a net that reads its own frames: model.maps.feedback=true."
            )
        net = NextFrame(spec.inputs, core["cell"], **settings) if feedback else None
        found = net or EncoderForecaster(spec.inputs, **settings)
        found.horizon = spec.target.steps  # type: ignore[assignment]
        return found

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """The mean over pixels: of the frames to predict, or of every frame but the first."""
        future = batch.targets["frames"]
        if isinstance(net, EncoderForecaster):
            return LOSSES[self.loss_name](net(batch.inputs, batch.lengths, future.shape[1]), as_share(future))
        assert isinstance(net, NextFrame)
        frames = torch.cat([batch.inputs, future], dim=1)  # (B, T + S, C, H, W)
        trusted = self.trusted(len(batch), batch.inputs.shape[1], future.shape[1], int(net.taken))
        if net.training:
            net.taken += 1
        logits = net.along(frames, trusted.to(frames.device))
        return LOSSES[self.loss_name](logits, as_share(frames[:, 1:]))

    def trusted(self, batch: int, known: int, ahead: int, step: int) -> Tensor:
        """Draws which frames a net reads as they are, (B, T + S - 1) bool, at an optimiser step."""
        done = min(1.0, step / self.sampling_steps)
        among_known, beyond = {
            "none": (1.0, 0.0),
            "forward": (1.0, 1.0 - done),
            "reverse": (0.5 + 0.5 * done, 0.5 - 0.5 * done),
        }[self.sampling]
        chances = torch.tensor([1.0] + [among_known] * (known - 1) + [beyond] * (ahead - 1))
        return torch.rand(batch, len(chances)) < chances

    def predict(
        self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch, steps: int | None = None
    ) -> dict[str, Tensor]:
        """Returns ``frames`` (B, S, C, H, W) from 0 to 1; S is the horizon of the training, or `steps`."""
        horizon: int = nets[0].horizon  # type: ignore[assignment]
        each = torch.stack([net(batch.inputs, batch.lengths, steps or horizon).sigmoid() for net in nets])
        return {"frames": torch.einsum("m,m...->...", weights.to(each.dtype), each)}

    def error(self, predictions: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
        """Squared errors summed over the pixels of all frames, and the number of frames."""
        truth = as_share(batch.targets["frames"])
        total = (predictions["frames"] - truth).square().sum(dtype=torch.float32)
        return total, torch.tensor(truth.shape[0] * truth.shape[1], device=total.device)


def as_share(frames: Tensor) -> Tensor:
    """Returns frames from 0 to 1, whether they are uint8 or that already."""
    return frames.float() / 255 if frames.dtype == torch.uint8 else frames
