"""ResNet-18 with the parameter names of torchvision, so that its weight files load as they are.

He, Zhang, Ren & Sun (2016), "Deep residual learning for image recognition", table 1. torchvision itself is not needed.

Shapes: N pictures, C channels, H rows, W columns.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.nets.cnn import FrameEncoder
from lstm_lab.spec import Frames, Inputs

# Of the pictures that torchvision's weights were trained on.
_MEAN, _STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
# Clips whose features are kept, 36 kB each at 16 frames.
_CACHED = 50_000


class BasicBlock(nn.Module):
    """Two convolutions and what passes them by."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H', W')."""
        beside = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + beside)


class ResNet18(FrameEncoder):
    """ResNet-18 up to its mean over places: 512 features of a frame.

    Args:
        inputs: the frames of the data.
        statistics: not used: frames are standardised as torchvision's weights expect.
        weights: a file of weights (``resnet18-….pth``); None begins at random.
        frozen: whether its weights stay as they are. Then features are computed clip by clip and kept in memory, by
            the content of the clip, so that each is computed once; changes in training are refused.
        motion: as in `FrameEncoder`; not with `weights`, whose first layer reads three channels.
        crop: as in `FrameEncoder`, like the next two.
        flip: mirrored.
        tint: strength.

    Raises:
        UserError: if the file is missing or holds other weights, or options do not fit.
    """

    def __init__(
        self,
        inputs: Inputs,
        statistics: dict[str, Any],
        weights: str | None = None,
        frozen: bool = False,
        motion: bool = False,
        crop: float = 1.0,
        flip: bool = False,
        tint: float = 0.0,
    ) -> None:
        assert isinstance(inputs, Frames)
        if inputs.channels != 3:
            raise UserError(
                f"frontend=resnet18 reads three colours, the data has {inputs.channels}: data.channels=3."
            )
        if weights is not None and motion:
            raise UserError(
                "frontend.weights and frontend.motion=true: the file's first layer has no place for it."
            )
        if frozen and (crop < 1 or flip or tint):
            raise UserError(
                "frontend.frozen=true keeps the features of a clip: crop=1, flip=false and tint=0 go with it."
            )
        super().__init__(inputs, _MEAN, _STD, motion, crop, flip, tint)
        self.conv1 = nn.Conv2d(self.channels, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        widths = (64, 64, 128, 256, 512)
        for number, (before, after) in enumerate(itertools.pairwise(widths), 1):
            blocks = nn.Sequential(
                BasicBlock(before, after, 1 if number == 1 else 2), BasicBlock(after, after, 1)
            )
            self.add_module(f"layer{number}", blocks)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        self.output_size, self.frozen = 512, frozen
        if weights is not None:
            load_torchvision(self, weights)
        if frozen:
            self.requires_grad_(False)
        self._features: OrderedDict[bytes, Tensor] = OrderedDict()

    def encode(self, pictures: Tensor) -> Tensor:
        """Returns pictures (N, 3, H, W) as features (N, 512)."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(pictures))), 3, 2, 1)
        for number in range(1, 5):
            x = self.get_submodule(f"layer{number}")(x)
        return x.mean((2, 3))

    def train(self, mode: bool = True) -> ResNet18:
        """Sets training mode; what is frozen keeps its batch statistics."""
        return super().train(mode and not self.frozen)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns (B, T, 512), zero on padding, and the lengths (B,)."""
        if not self.frozen:
            return super().forward(batch)
        clips = [
            self._of(frames[:length])
            for frames, length in zip(batch.inputs, batch.lengths.tolist(), strict=True)
        ]
        found = nn.utils.rnn.pad_sequence(clips, batch_first=True)
        missing = batch.inputs.shape[1] - found.shape[1]
        return F.pad(found, (0, 0, 0, missing)), batch.lengths

    @torch.no_grad()
    def _of(self, frames: Tensor) -> Tensor:
        """Features (T, 512) of one clip (T, C, H, W), kept by its content: always alone, so never other than alone."""
        key = hashlib.blake2b(frames.contiguous().cpu().numpy().tobytes(), digest_size=16).digest()
        found = self._features.get(key)
        if found is None:
            found = self.encode(self.prepared(frames[None])[0])
            self._features[key] = found
            if len(self._features) > _CACHED:
                self._features.popitem(last=False)
        return found.to(frames.device)


def load_torchvision(net: nn.Module, weights: str) -> None:
    """Loads a weight file of torchvision's ResNet-18; its last, classifying layer is left out.

    Raises:
        UserError: if the file is missing, damaged, or lacks a layer.
    """
    path = Path(weights).expanduser()
    if not path.is_file():
        raise UserError(f"frontend.weights={weights}: there is no such file.")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UserError(
            f"frontend.weights={weights}: not a file of weights ({str(error).splitlines()[0][:80]})."
        ) from None
    if not isinstance(found, dict):
        raise UserError(f"frontend.weights={weights}: holds no weights by name.")
    own = {name for name in net.state_dict() if name not in ("mean", "std")}
    lacking = sorted(own - set(found))
    if lacking:
        raise UserError(
            f"frontend.weights={weights}: lacks {lacking[0]} ({len(lacking)} in all): not a ResNet-18."
        )
    try:
        net.load_state_dict({name: found[name] for name in own}, strict=False)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip()
        raise UserError(f"frontend.weights={weights}: {reason}") from None
