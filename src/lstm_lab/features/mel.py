"""Mel scales, filter banks and the cosine transform behind MFCCs, as plain matrices.

Three conventions are in use; they differ in the scale, the shape of the triangles and their height:

- ``librosa``: the scale of Slaney's Auditory Toolbox (linear below 1 kHz, logarithmic above), triangles in Hz,
  each of area one.
- ``htk``: mel(f) = 2595 log10(1 + f / 700), triangles in Hz, each of height one (``htk=True, norm=None``).
- ``kaldi``: the scale of ``htk``, triangles in mel, each of height one; the bin at half the sample rate is not used.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lstm_lab.errors import UserError, check_choice

STYLES = ("librosa", "htk", "kaldi")

_LINEAR = 200 / 3  # Slaney: Hz of a mel below the break
_BREAK = 1000.0  # Hz where the logarithmic part begins
_LOG_STEP = math.log(6.4) / 27.0  # 27 mels from 1 kHz to 6.4 kHz


def hz_to_mel(hz: Tensor, style: str) -> Tensor:
    """Mels of frequencies in Hz."""
    if style != "librosa":
        return 2595.0 * torch.log10(1.0 + hz / 700.0)
    above = _BREAK / _LINEAR + torch.log(hz.clamp(min=_BREAK) / _BREAK) / _LOG_STEP
    return torch.where(hz < _BREAK, hz / _LINEAR, above)


def mel_to_hz(mel: Tensor, style: str) -> Tensor:
    """Frequencies in Hz of mels."""
    if style != "librosa":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    first = _BREAK / _LINEAR
    above = _BREAK * torch.exp(_LOG_STEP * (mel - first).clamp(min=0))
    return torch.where(mel < first, mel * _LINEAR, above)


def mel_filters(
    n_mels: int, n_fft: int, sample_rate: int, low: float, high: float, style: str = "librosa"
) -> Tensor:
    """Returns the filter bank (n_mels, n_fft // 2 + 1), float32.

    Args:
        n_mels: triangles.
        n_fft: length of the Fourier transform.
        sample_rate: in Hz.
        low: where the first triangle begins, in Hz.
        high: where the last one ends, in Hz; at most half the sample rate.
        style: ``librosa``, ``htk`` or ``kaldi``.

    Raises:
        UserError: if the band is empty, or a triangle so narrow that it holds no bin: it would be silent for ever.
    """
    check_choice("data.features.style", style, STYLES)
    if not 0 <= low < high <= sample_rate / 2:
        raise UserError(
            f"data.features: the band from low={low:g} to high={high:g} Hz must lie within 0 and"
            f" {sample_rate / 2:g} Hz, half the sample rate."
        )
    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * sample_rate / n_fft  # Hz
    ends = hz_to_mel(torch.tensor([low, high], dtype=torch.float64), style)
    corners = torch.linspace(float(ends[0]), float(ends[1]), n_mels + 2, dtype=torch.float64)
    if style == "kaldi":
        bins = hz_to_mel(bins, style)
    else:
        corners = mel_to_hz(corners, style)
    left, centre, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    filters = torch.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)).clamp(min=0)
    if style == "librosa":
        filters = filters * 2.0 / (right - left)
    if style == "kaldi":
        filters[:, -1] = 0.0
    if bool((filters.amax(dim=1) == 0).any()):
        raise UserError(
            f"data.features.n_mels={n_mels} is too many for {n_fft // 2 + 1} bins of {sample_rate / n_fft:.0f} Hz: some"
            " filter holds no bin. Take fewer filters, or a longer window (data.features.window)."
        )
    return filters.float()


def cosine_transform(n_out: int, n_in: int) -> Tensor:
    """Returns the first `n_out` rows of the orthonormal DCT-II (n_out, n_in), float32."""
    k = torch.arange(n_out, dtype=torch.float64)[:, None]
    n = torch.arange(n_in, dtype=torch.float64)[None, :]
    rows = torch.cos(math.pi / n_in * (n + 0.5) * k) * math.sqrt(2.0 / n_in)
    rows[0] /= math.sqrt(2.0)
    return rows.float()
