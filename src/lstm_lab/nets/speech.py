"""What stands before the core for sounds: features of waves, normalisation, augmentation, and convolutions.

Shapes: B clips, T frames (or N samples, where waves come in), F features, T' steps that the core reads, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.features import wave as augment
from lstm_lab.features.audio import AudioFeatures
from lstm_lab.features.cmvn import level, limit_range, per_clip
from lstm_lab.features.specaugment import spec_augment, tilt
from lstm_lab.nets.padding import real_steps
from lstm_lab.spec import Inputs, Values


class SpeechFrontend(nn.Module):
    """Waves or features to what a recurrent core reads.

    In training, waves change speed, room, noise, level and place, and features are blanked (SpecAugment). Convolutions
    over time and frequency then find local patterns wherever they stand in frequency, which differs between speakers.

    Args:
        inputs: features, or one column ``wave``.
        statistics: ``mean`` and ``std`` of the features; ``features``, settings of `AudioFeatures`, where waves come.
        normalise: ``global`` takes mean and deviation of each feature in the training part, ``clip`` those of a clip;
            ``level`` takes the means of the training part, then one mean and one deviation of a clip.
        dynamic_range: decibels below the loudest feature of a clip at which it is cut off; 0 for none. Of log power.
        tilt: decibels by which the spectrum is tilted while training, see `lstm_lab.features.specaugment.tilt`.
        channels: of each convolution; empty for none. They need features in order of frequency.
        kernel: frames and features that a convolution sees, odd.
        time_strides: frames from step to step of each convolution; their product is the subsampling.
        feature_strides: the same for features.
        dropout: on what the core reads.
        time_masks: blanked stretches a clip.
        time_share: longest stretch as a share of the clip.
        feature_masks: blanked bands a clip.
        feature_width: widest band, in features.
        speeds: factors of which each clip draws one; empty for none. These and the following need waves.
        noise: ``[low, high]`` signal-to-noise ratio in dB; empty for none.
        gain: decibels up or down at the most.
        shift: share of a clip by which it is moved at the most.
        reverb: seconds of the longest echo.

    Attributes:
        output_size: features of a step for the core.
        subsampling: frames of features a step.

    Raises:
        UserError: for settings that do not fit each other or the data.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        inputs: Inputs,
        statistics: dict[str, Any],
        normalise: str = "global",
        dynamic_range: float = 0.0,
        tilt: float = 0.0,
        channels: Sequence[int] = (),
        kernel: Sequence[int] = (5, 5),
        time_strides: Sequence[int] = (),
        feature_strides: Sequence[int] = (),
        dropout: float = 0.0,
        time_masks: int = 0,
        time_share: float = 0.1,
        feature_masks: int = 0,
        feature_width: int = 8,
        speeds: Sequence[float] = (),
        noise: Sequence[float] = (),
        gain: float = 0.0,
        shift: float = 0.0,
        reverb: float = 0.0,
    ) -> None:
        super().__init__()
        assert isinstance(inputs, Values)
        check_choice("frontend.normalise", normalise, ("global", "level", "clip", "none"))
        for name, value in (("dynamic_range", dynamic_range), ("tilt", tilt)):
            check_at_least(f"frontend.{name}", value, 0)
        settings = statistics.get("features")
        self.front = AudioFeatures(**settings) if settings else None
        if self.front is None and (speeds or noise or gain or shift or reverb):
            raise UserError(
                "frontend: speeds, noise, gain, shift and reverb change waves: add data.inputs=wave."
            )
        if noise and (len(noise) != 2 or noise[0] > noise[1]):
            raise UserError(f"frontend.noise={list(noise)} must be [low, high] in dB.")
        size = self.front.size if self.front else inputs.size
        self.groups = self.front.deltas + 1 if self.front else _groups(inputs)
        self.normalise, self.dynamic_range, self.tilt = normalise, dynamic_range, tilt
        self.register_buffer("mean", torch.tensor(statistics.get("mean", [0.0] * size)))
        self.register_buffer("std", torch.tensor(statistics.get("std", [1.0] * size)))
        if dynamic_range or tilt:
            _check_power(self.front.names if self.front else list(inputs.names))
        self.masks = {
            "time_masks": time_masks, "time_share": time_share,
            "feature_masks": feature_masks, "feature_width": feature_width,
        }  # fmt: skip
        self.speeds, self.noise, self.gain, self.shift, self.reverb = (
            list(speeds),
            list(noise),
            gain,
            shift,
            reverb,
        )
        self.convolutions = Convolutions(
            size, self.groups, channels, kernel, list(time_strides), list(feature_strides)
        )
        self.output_size, self.subsampling = self.convolutions.output_size, self.convolutions.subsampling
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns (B, T', output_size), zero on padding, and the real steps of each clip (B,)."""
        features, lengths = self.features(batch)
        if self.training and (self.masks["time_masks"] or self.masks["feature_masks"]):
            features = spec_augment(features, lengths, groups=self.groups, **self.masks)  # type: ignore[arg-type]
        x, lengths = self.convolutions(features, lengths)
        return self.dropout(x), lengths

    def features(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns normalised features (B, T, F), zero on padding, and their lengths."""
        features, lengths = batch.inputs, batch.lengths
        if self.front is not None:
            features, lengths = self.front(*self._augmented(features[..., 0], lengths))
        if self.tilt and self.training:
            features = tilt(features, self.tilt)
        if self.dynamic_range:
            features = limit_range(features, lengths, self.dynamic_range)
        if self.normalise == "clip":
            return per_clip(features, lengths), lengths
        if self.normalise == "level":
            return level(features - self.mean, lengths), lengths
        if self.normalise == "global":
            features = (features - self.mean) / self.std
        return torch.where(real_steps(lengths, features.shape[1])[..., None], features, 0.0), lengths

    def steps(self, frames: Tensor) -> Tensor:
        """How many steps the core reads of so many frames."""
        return self.convolutions.steps(frames)

    def _augmented(self, waves: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        if not self.training:
            return waves, lengths
        assert self.front is not None
        waves = torch.where(real_steps(lengths, waves.shape[1]), waves, 0.0)
        if self.speeds:
            waves, lengths = augment.change_speed(waves, lengths, self.speeds)
        if self.reverb:
            waves = augment.add_reverb(waves, lengths, self.reverb, self.front.sample_rate)
        if self.shift:
            waves = augment.shift(waves, lengths, self.shift)
        if self.noise:
            waves = augment.add_noise(waves, lengths, self.noise)
        return (augment.change_gain(waves, self.gain) if self.gain else waves), lengths


class Convolutions(nn.Module):
    """Convolutions over time and frequency, each with layer normalisation and GELU; padding stays zero throughout.

    Args:
        size: F.
        groups: how many stand beside each other in F (features, slopes, slopes of slopes): the first C.
        channels: of each convolution.
        kernel: frames and features, odd.
        time_strides: of each; 1 if not given.
        feature_strides: of each; 2 if not given.
    """

    def __init__(
        self,
        size: int,
        groups: int,
        channels: Sequence[int],
        kernel: Sequence[int],
        time_strides: list[int],
        feature_strides: list[int],
    ) -> None:
        super().__init__()
        self.time_strides = time_strides or [1] * len(channels)
        feature_strides = feature_strides or [2] * len(channels)
        for name, strides in (("time_strides", self.time_strides), ("feature_strides", feature_strides)):
            if len(strides) != len(channels) or any(one < 1 for one in strides):
                raise UserError(
                    f"frontend.{name}={strides} must hold a number of at least 1 for each of {channels}."
                )
        if len(kernel) != 2 or any(one < 1 or one % 2 == 0 for one in kernel):
            raise UserError(f"frontend.kernel={list(kernel)} must be two odd numbers: frames and features.")
        self.groups, band, before = groups, size // groups, groups
        self.layers, self.norms = nn.ModuleList(), nn.ModuleList()
        self.reach = 0  # frames that a step depends on, to each side
        for count, time, feature in zip(channels, self.time_strides, feature_strides, strict=True):
            check_at_least("frontend.channels", count, 1)
            self.reach += self.subsampling * (kernel[0] // 2)
            self.layers.append(
                nn.Conv2d(
                    before, count, (kernel[0], kernel[1]), (time, feature), (kernel[0] // 2, kernel[1] // 2)
                )
            )
            band, before = -(-band // feature), count
            self.norms.append(nn.LayerNorm([count, band]))
        self.output_size = before * band

    @property
    def subsampling(self) -> int:
        """Frames a step, over the convolutions built so far."""
        product = 1
        for stride in self.time_strides[: len(self.layers)]:
            product *= stride
        return product

    def steps(self, frames: Tensor) -> Tensor:
        """Steps that come out of so many frames."""
        for stride in self.time_strides:
            frames = torch.div(frames + stride - 1, stride, rounding_mode="floor")
        return frames

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Takes (B, T, F) to (B, T', C·F')."""
        if not len(self.layers):
            return features, lengths
        x = features.unflatten(2, (self.groups, -1)).transpose(1, 2)  # (B, groups, T, F / groups)
        for layer, norm, stride in zip(self.layers, self.norms, self.time_strides, strict=True):
            x = layer(x)  # (B, C, T', F')
            lengths = torch.div(lengths + stride - 1, stride, rounding_mode="floor")
            x = nn.functional.gelu(norm(x.transpose(1, 2)).transpose(1, 2))
            x = torch.where(real_steps(lengths, x.shape[2])[:, None, :, None], x, 0.0)
        return x.transpose(1, 2).flatten(2), lengths


def _groups(inputs: Values) -> int:
    """How many groups of equal names but for a prefix stand beside each other."""
    return (
        1
        + any(name.startswith("d_") for name in inputs.names)
        + any(name.startswith("dd_") for name in inputs.names)
    )


def _check_power(names: list[str]) -> None:
    """Decibels are said of logarithms of power alone, as they come from `AudioFeatures`."""
    if not all(name.startswith(("mel", "bin")) for name in names):
        raise UserError(
            f"frontend: dynamic_range and tilt are of log power (data.features.kind=logmel or spectrogram, deltas=0),"
            f" not of '{next(name for name in names if not name.startswith(('mel', 'bin')))}'."
        )
