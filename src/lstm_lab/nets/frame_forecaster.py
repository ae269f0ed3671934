"""From some frames to the next ones, in one of two ways.

`EncoderForecaster` reads all frames, hands its states to layers that read nothing, and those unroll the future: no
frame is fed back, so training and prediction are the same thing (Shi et al. 2015, section 3.3).

`NextFrame` says after every frame what comes next, and goes on from its own word where frames end (Wang et al. 2017).
It learns from every frame of a clip; what it reads while training, the truth or its own word, is the matter of
scheduled sampling, see `lstm_lab.tasks.frames`.

Both give logits; a frame is their logistic function, from 0 to 1. A frame of p·p times as many channels and a p-th
of its rows and columns holds the same pixels (``pixel_unshuffle``) and costs p² times less to convolve.

Shapes: B sequences, T frames that are known, S frames to predict, C channels, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.errors import UserError, check_at_least
from lstm_lab.nets.convlstm import ConvLSTM, ConvLSTMCell, MapState
from lstm_lab.nets.padding import real_steps
from lstm_lab.nets.st_lstm import STLSTM
from lstm_lab.spec import Frames


class Patches(nn.Module):
    """Frames to maps and back.

    Args:
        frames: the frames of the data.
        patch: p, the rows and columns of a patch.

    Raises:
        UserError: if patches do not tile a frame.
    """

    def __init__(self, frames: Frames, patch: int) -> None:
        super().__init__()
        check_at_least("model.patch", patch, 1)
        if frames.height % patch or frames.width % patch:
            raise UserError(
                f"model.patch={patch} does not divide frames of {frames.height} × {frames.width} pixels."
            )
        self.patch, self.size = patch, frames.channels * patch * patch

    def forward(self, frames: Tensor) -> Tensor:
        """(…, C, H, W), uint8 or from 0 to 1, to (…, C p², H/p, W/p)."""
        values = frames.float() / 255 if frames.dtype == torch.uint8 else frames
        return F.pixel_unshuffle(values, self.patch)

    def back(self, maps: Tensor) -> Tensor:
        """(…, C p², H/p, W/p) to (…, C, H, W)."""
        return F.pixel_shuffle(maps, self.patch)


class EncoderForecaster(nn.Module):
    """ConvLSTM layers that read, and as many that unroll the future from the states of the first.

    The forecaster stands upside down: its first layer goes on from the encoder's last. Each further one reads the
    layer before, and a 1 × 1 convolution of all of them is the frame.

    Args:
        frames: of the data.
        hidden_size: maps of a layer, one number or one a layer.
        num_layers: of the encoder, and of the forecaster.
        kernel: rows and columns of the kernels.
        patch: see `Patches`.
        forget_bias: of the forget gates.
    """

    feeds_back = False

    def __init__(
        self,
        frames: Frames,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        kernel: int = 5,
        patch: int = 1,
        forget_bias: float = 1.0,
    ) -> None:
        super().__init__()
        self.patches = Patches(frames, patch)
        self.encoder = ConvLSTM(self.patches.size, hidden_size, num_layers, kernel, forget_bias)
        widths = self.encoder.widths[::-1]
        self.forecaster = nn.ModuleList(
            ConvLSTMCell(size, width, kernel, forget_bias)
            for size, width in zip([0, *widths[:-1]], widths, strict=True)
        )
        self.head = nn.Conv2d(sum(widths), self.patches.size, 1)

    def forward(
        self, frames: Tensor, lengths: Tensor | None = None, steps: int = 1, state: Any = None
    ) -> Tensor:
        """Returns the logits of the next frames, (B, S, C, H, W).

        Args:
            frames: (B, T, C, H, W), padded on the right.
            lengths: (B,) frames of each that are real; all if not given.
            steps: S, any number.
            state: of `read`, where the frames go on from others; zeros if not given.
        """
        return self.unroll(self.read(frames, lengths, state), steps)

    def read(self, frames: Tensor, lengths: Tensor | None = None, state: Any = None) -> list[MapState]:
        """Returns the encoder's state after the last real frame of each sequence."""
        real = None if lengths is None else real_steps(lengths, frames.shape[1])
        return self.encoder(self.patches(frames), state, real)[1]

    def unroll(self, state: list[MapState], steps: int) -> Tensor:
        """Returns the logits of `steps` frames after a state."""
        outputs: list[Tensor] = []
        for cell, start in zip(self.forecaster, reversed(state), strict=True):
            if outputs:
                outputs.append(cell(outputs[-1], start)[0])
            else:
                outputs.append(cell.free_run(steps, start)[0])  # type: ignore[operator]
        maps = self.head(torch.cat(outputs, dim=2).flatten(0, 1))  # (B·S, C p², H/p, W/p)
        return self.patches.back(maps.unflatten(0, (-1, steps)))


class NextFrame(nn.Module):
    """Layers that read a frame and give the next, again and again.

    Attributes:
        taken: how many training steps there were, counted by the task.

    Args:
        frames: of the data.
        cell: ``convlstm`` or ``st_lstm``.
        hidden_size: maps of a layer.
        num_layers: layers.
        kernel: rows and columns of the kernels.
        patch: see `Patches`.
        forget_bias: of the forget gates.
    """

    feeds_back = True
    taken: Tensor

    def __init__(
        self,
        frames: Frames,
        cell: str,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        kernel: int = 5,
        patch: int = 1,
        forget_bias: float = 1.0,
    ) -> None:
        super().__init__()
        self.patches = Patches(frames, patch)
        kind: Any = {"convlstm": ConvLSTM, "st_lstm": STLSTM}[cell]
        self.core = kind(self.patches.size, hidden_size, num_layers, kernel, forget_bias)
        self.head = nn.Conv2d(self.core.output_size, self.patches.size, 1)
        # Training steps so far: scheduled sampling depends on them, so they lie in the checkpoint.
        self.register_buffer("taken", torch.zeros((), dtype=torch.int64))

    def forward(
        self, frames: Tensor, lengths: Tensor | None = None, steps: int = 1, state: Any = None
    ) -> Tensor:
        """Returns the logits of the next frames; arguments as those of `EncoderForecaster.forward`."""
        return self.unroll(*self.read(frames, lengths, state), steps)

    def read(
        self, frames: Tensor, lengths: Tensor | None = None, state: Any = None
    ) -> tuple[Tensor, list[MapState]]:
        """Returns the core's output (B, H', H, W) at the last real frame of each sequence, and the state after it."""
        maps = self.patches(frames)
        real = None if lengths is None else real_steps(lengths, maps.shape[1])
        outputs, state = self.core(maps, state, real)
        if lengths is None:
            return outputs[:, -1], state
        return outputs[torch.arange(len(lengths), device=outputs.device), lengths - 1], state

    def unroll(self, last: Tensor, state: list[MapState], steps: int) -> Tensor:
        """Returns the logits of `steps` frames after what `read` gave."""
        found = [self.head(last)]
        for _ in range(steps - 1):
            output, state = self.core.step(found[-1].sigmoid(), state)
            found.append(self.head(output))
        return self.patches.back(torch.stack(found, dim=1))

    def along(self, frames: Tensor, trusted: Tensor) -> Tensor:
        """Returns the logits of every frame but the first, (B, T - 1, C, H, W), as training needs them.

        Args:
            frames: (B, T, C, H, W), what is known and what comes after it.
            trusted: (B, T - 1) bool: whether a frame is read as it is, or the net's own word for it is read
                instead. The first frame has no word for it and is always read as it is.
        """
        maps = self.patches(frames[:, :-1])  # (B, T - 1, C p², H/p, W/p)
        # Up to the first frame that anyone doubts, all is known ahead, and convolved in one go.
        doubted = (~trusted[:, 1:]).any(0).nonzero()[:, 0].tolist()
        known = 1 + (doubted[0] if doubted else trusted.shape[1] - 1)
        outputs, state = self.core(maps[:, :known])
        found = list(self.head(outputs.flatten(0, 1)).unflatten(0, outputs.shape[:2]).unbind(1))
        for t in range(known, maps.shape[1]):
            own = found[-1].sigmoid()
            read = torch.where(trusted[:, t, None, None, None], maps[:, t], own)
            output, state = self.core.step(read, state)
            found.append(self.head(output))
        return self.patches.back(torch.stack(found, dim=1))
