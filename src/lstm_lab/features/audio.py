"""From waves to features of short frames: spectrogram, log-mel, MFCC and their slopes; in batch, on any device.

A wave is padded with zeros and never mirrored at its end: with mirrored padding (the default of ``torch.stft``) the
last frames of a short clip change when the clip stands in a batch with longer ones. Here the features of a clip do
not depend on what it is batched with.

Shapes: B waves, N samples of the longest, T frames of the longest, F features.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.features.mel import STYLES, cosine_transform, mel_filters

KINDS = ("spectrogram", "logmel", "mfcc")

_FLOOR = 1e-10  # power below which a logarithm says nothing any more, that of librosa's power_to_db
_KALDI_FLOOR = torch.finfo(torch.float32).eps
_PREEMPHASIS = 0.97  # of Kaldi and HTK


class AudioFeatures(nn.Module):
    """Waves (B, N) to features (B, T, F).

    ``librosa`` and ``htk`` frames are centred on every `hop`-th sample and windowed by a periodic Hann window.
    ``kaldi`` frames begin there, lie within the wave, are freed of their mean, pre-emphasised and windowed by
    Povey's window. Logarithms are natural but for MFCCs of style ``librosa``, which are of decibels.

    Args:
        kind: ``spectrogram`` (log power of each bin), ``logmel`` or ``mfcc``.
        style: ``librosa``, ``htk`` or ``kaldi``, see `lstm_lab.features.mel`.
        sample_rate: in Hz.
        window: length of a frame in seconds.
        hop: from frame to frame in seconds.
        n_mels: filters.
        n_mfcc: coefficients, the zeroth (loudness) included.
        low: lower end of the filters in Hz.
        high: upper end in Hz; None for half the sample rate.
        deltas: 1 adds the slope of each feature, 2 also the slope of the slope.

    Attributes:
        size: F.
        names: of the F features, in order.

    Raises:
        UserError: for settings that cannot be.
    """

    taper: Tensor
    filters: Tensor
    cosines: Tensor

    def __init__(
        self,
        kind: str = "logmel",
        style: str = "librosa",
        sample_rate: int = 16000,
        window: float = 0.025,
        hop: float = 0.01,
        n_mels: int = 40,
        n_mfcc: int = 13,
        low: float = 20.0,
        high: float | None = None,
        deltas: int = 0,
    ) -> None:
        super().__init__()
        check_choice("data.features.kind", kind, KINDS)
        check_choice("data.features.style", style, STYLES)
        check_choice("data.features.deltas", str(deltas), ("0", "1", "2"))
        check_at_least("data.features.n_mels", n_mels, 1)
        check_at_least("data.features.n_mfcc", n_mfcc, 1)
        if n_mfcc > n_mels and kind == "mfcc":
            raise UserError(f"data.features.n_mfcc={n_mfcc} must not be more than n_mels={n_mels}.")
        self.kind, self.style, self.sample_rate, self.deltas = kind, style, sample_rate, deltas
        self.window, self.hop = (
            round(window * sample_rate),
            round(hop * sample_rate),
        )  # in samples from here on
        if self.window < 2 or self.hop < 1:
            raise UserError(
                f"data.features: window={window} s and hop={hop} s are {self.window} and {self.hop} samples at"
                f" {sample_rate} Hz: at least 2 and 1 are needed."
            )
        self.n_fft = 2 ** math.ceil(math.log2(self.window))
        self.register_buffer("taper", _taper(self.window, self.n_fft, style), persistent=False)
        base = [f"bin{k}" for k in range(self.n_fft // 2 + 1)]
        if kind != "spectrogram":
            top = sample_rate / 2 if high is None else high
            filters = mel_filters(n_mels, self.n_fft, sample_rate, low, top, style)
            self.register_buffer("filters", filters, persistent=False)
            base = [f"mel{k}" for k in range(n_mels)]
        if kind == "mfcc":
            self.register_buffer("cosines", cosine_transform(n_mfcc, n_mels), persistent=False)
            base = [f"mfcc{k}" for k in range(n_mfcc)]
        self.names = [prefix + name for prefix in ("", "d_", "dd_")[: deltas + 1] for name in base]
        self.size = len(self.names)
        self.settings: dict[str, Any] = {
            "kind": kind, "style": style, "sample_rate": sample_rate, "window": window, "hop": hop,
            "n_mels": n_mels, "n_mfcc": n_mfcc, "low": low, "high": high, "deltas": deltas,
        }  # fmt: skip

    def frames(self, samples: Tensor) -> Tensor:
        """How many frames waves of so many samples give; one at least."""
        if self.style == "kaldi":
            return (torch.div(samples - self.window, self.hop, rounding_mode="floor") + 1).clamp(min=1)
        return torch.div(samples, self.hop, rounding_mode="floor") + 1

    def forward(self, waves: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Computes the features.

        Args:
            waves: (B, N), full scale at ±1, padded on the right with anything.
            lengths: (B,) int64, real samples of each.

        Returns:
            (B, T, F), zero on padding, and the real frames of each, (B,).
        """
        real = torch.arange(waves.shape[1], device=waves.device)[None, :] < lengths[:, None]
        waves = torch.where(real, waves, 0.0)  # 0 · nan would still be nan
        frames = self.frames(lengths)
        power = self._power(waves)  # (B, T, bins)
        mask = torch.arange(power.shape[1], device=waves.device)[None, :] < frames[:, None]  # (B, T)
        features = self._features(power)
        parts = [features]
        for _ in range(self.deltas):
            parts.append(slopes(parts[-1], frames))
        features = torch.cat(parts, dim=-1) if self.deltas else features
        return torch.where(mask[..., None], features, 0.0), frames

    def _power(self, waves: Tensor) -> Tensor:
        """Power spectrum (B, T, n_fft / 2 + 1)."""
        if self.style == "kaldi":
            missing = max(self.window - waves.shape[1], 0)
            frames = F.pad(waves, (0, missing)).unfold(1, self.window, self.hop)  # (B, T, window)
            frames = frames - frames.mean(dim=2, keepdim=True)
            before = torch.cat([frames[..., :1], frames[..., :-1]], dim=2)
            frames = (frames - _PREEMPHASIS * before) * self.taper
            return torch.fft.rfft(frames, self.n_fft).abs().square()
        spectrum = torch.stft(
            waves,
            self.n_fft,
            self.hop,
            window=self.taper,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )  # (B, bins, T)
        return spectrum.abs().square().transpose(1, 2)

    def _features(self, power: Tensor) -> Tensor:
        floor = _KALDI_FLOOR if self.style == "kaldi" else _FLOOR
        if self.kind == "spectrogram":
            return power.clamp(min=floor).log()
        mel = _by_row(power, self.filters).clamp(min=floor)  # (B, T, n_mels)
        if self.kind == "logmel":
            return mel.log()
        logs = 10.0 * mel.log10() if self.style == "librosa" else mel.log()
        return _by_row(logs, self.cosines)


def slopes(features: Tensor, lengths: Tensor, reach: int = 2) -> Tensor:
    """Returns the slope of each feature over time, by regression over ±`reach` frames (B, T, F).

    d_t = Σ_n n (c_{t+n} - c_{t-n}) / (2 Σ_n n²), the formula of HTK and Kaldi; before the first and behind the last
    real frame stands that frame again.
    """
    steps = torch.arange(features.shape[1], device=features.device)
    last = (lengths - 1).clamp(min=0)[:, None]  # (B, 1)
    total = torch.zeros_like(features)
    for n in range(1, reach + 1):
        later = torch.minimum(steps[None, :] + n, last)
        earlier = torch.minimum((steps[None, :] - n).clamp(min=0), last)
        total = total + n * (_at(features, later) - _at(features, earlier))
    return total / (2 * sum(n * n for n in range(1, reach + 1)))


def _by_row(frames: Tensor, matrix: Tensor) -> Tensor:
    """Multiplies each frame of (B, T, I) by a matrix (O, I) to the same bits, however many frames there are.

    Matrix kernels take rows in blocks and sum in another order in a block that is not full; with whole blocks of 16
    there is none (measured with MKL: 1 row or 2999, no bit differs).
    """
    rows = frames.flatten(0, 1)
    product = F.linear(F.pad(rows, (0, 0, 0, -rows.shape[0] % 16)), matrix)
    return product[: rows.shape[0]].unflatten(0, frames.shape[:2])


def _at(features: Tensor, steps: Tensor) -> Tensor:
    """Frames (B, T, F) at the steps (B, T)."""
    return features.gather(1, steps[..., None].expand_as(features))


def _taper(window: int, n_fft: int, style: str) -> Tensor:
    """The window function; (window,) for Kaldi, centred in (n_fft,) otherwise."""
    if style == "kaldi":
        return torch.hann_window(window, periodic=False, dtype=torch.float64).pow(0.85).float()
    left = (n_fft - window) // 2
    return F.pad(torch.hann_window(window), (left, n_fft - window - left))
