"""Changing the sample rate of waves, or their speed, by a windowed sinc."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

_ZEROS = 32  # zero crossings of the sinc on each side
_ROLLOFF = 0.96  # of the lower Nyquist frequency, where the pass band ends
_BETA = 10.0  # of the Kaiser window: aliases lie some 100 dB down


def resample(waves: Tensor, old: int, new: int) -> Tensor:
    """Resamples (…, N) from rate `old` to rate `new`, both in Hz, to ⌈N · new / old⌉ samples.

    Smith, "Digital Audio Resampling" (2002): each output sample is the wave convolved with a sinc whose cut-off is
    the lower of both Nyquist frequencies. Samples before the beginning and behind the end are zero.
    """
    if old == new:
        return waves
    common = math.gcd(old, new)
    old, new = old // common, new // common
    kernel, reach = _kernel(old, new)
    count = -(-waves.shape[-1] * new // old)
    flat = waves.reshape(math.prod(waves.shape[:-1]), 1, waves.shape[-1])
    padded = F.pad(flat, (reach, reach + old))
    phases = F.conv1d(padded, kernel.to(waves), stride=old)  # (…, new, blocks): `new` output samples a block
    joined = phases.transpose(1, 2).flatten(1)
    return joined[:, :count].reshape(*waves.shape[:-1], count)


@lru_cache(maxsize=32)
def _kernel(old: int, new: int) -> tuple[Tensor, int]:
    """The filters (new, 1, width), one for each position of an output sample between input samples, and their reach."""
    cutoff = _ROLLOFF * min(old, new) / old  # of the input's Nyquist frequency
    reach = math.ceil(_ZEROS / cutoff)
    taps = torch.arange(-reach, reach + old, dtype=torch.float64)[None, :]
    offsets = torch.arange(new, dtype=torch.float64)[:, None] * old / new
    t = (taps - offsets) * cutoff  # in zero crossings
    inside = (t.abs() < _ZEROS).double()
    arch = (1 - (t / _ZEROS).square()).clamp(min=0).sqrt()
    window = torch.special.i0(_BETA * arch) / torch.special.i0(torch.tensor(_BETA, dtype=torch.float64))
    filters = torch.sinc(t) * window * inside * cutoff
    filters = filters / filters.sum(dim=1, keepdim=True)  # a constant stays the constant that it is
    return filters[:, None].float(), reach
