"""Randomness that belongs to a sample and a pass: the same on resume, on any number of processes, in any batch.

What is drawn anew for a sample in each pass (a shift, the moment at which a clip is cut) may depend neither on the
order of batches nor on who gathers them. So indices carry the number of the pass, and numbers come from a hash.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lstm_lab.data.loader import Sampler


class NumberedPasses:
    """A sampler whose indices say the pass too: sample r of pass p comes as ``r + p · count``.

    Args:
        sampler: which samples make a batch.
        count: samples in the part.
    """

    repeats = False

    def __init__(self, sampler: Sampler, count: int) -> None:
        self.sampler, self.count = sampler, count
        self.batches = sampler.batches

    def draw(self, number: int) -> Sequence[Tensor]:
        """The samples of each batch of pass `number`."""
        return [rows + number * self.count for rows in self.sampler.draw(number)]


def uniforms(numbers: Tensor, count: int, seed: int) -> Tensor:
    """Returns numbers in [0, 1) that depend on `numbers` and `seed` alone.

    SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators", figure 17), at a position
    that each number has for itself.

    Args:
        numbers: (N,) int64.
        count: how many for each.
        seed: another seed gives other numbers.

    Returns:
        (N, count) float32.
    """
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64 is what is meant
        # Two rounds: the first spreads seed and number over all bits, so that neighbours share no positions.
        start = _mix(numbers.numpy().astype(np.uint64)[:, None] + _mix(np.uint64(seed) + _GOLDEN))
        bits = _mix(start + np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN)
    return torch.from_numpy((bits >> np.uint64(40)).astype(np.float32) * np.float32(2**-24))


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mix(z: np.ndarray | np.uint64) -> np.ndarray:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))
