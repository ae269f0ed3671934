"""Good first values for the learning rate and the batch size, from a few measured steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from lstm_lab.errors import UserError

# The weight of the past in the mean of losses, and the multiple of the best one beyond which training has diverged.
_SMOOTHING, _DIVERGED = 0.8, 4.0
# The share of the best throughput that is good enough: beyond it, batches cost memory and updates for little.
_ENOUGH = 0.9
# Seconds of a step beyond which no larger batch is tried.
_LONG = 5.0


def rate_curve(
    step: Callable[[float], float], low: float, high: float, steps: int
) -> tuple[list[float], list[float]]:
    """Takes training steps at rising rates until the loss diverges: the range test of Smith (2017).

    Args:
        step: takes a rate, trains one step with it, returns the loss before the step.
        low: first rate.
        high: last rate.
        steps: how many, at equal ratios.

    Returns:
        Rates, and the smoothed loss at each.
    """
    rates: list[float] = []
    losses: list[float] = []
    mean = 0.0
    for number in range(steps):
        rate = low * (high / low) ** (number / (steps - 1))
        loss = step(rate)
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        smooth = mean / (1 - _SMOOTHING ** (number + 1))
        if not math.isfinite(smooth) or (losses and smooth > _DIVERGED * min(losses)):
            break
        rates.append(rate)
        losses.append(smooth)
    return rates, losses


def best_rate(rates: list[float], losses: list[float], width: int = 4) -> float:
    """Returns the rate at which the loss falls fastest in ratios of the rate, before it is lowest.

    Args:
        rates: rising, at equal ratios.
        losses: smoothed, one a rate.
        width: points on each side over which a slope is taken.

    Raises:
        UserError: if the loss never falls.
    """
    lowest = min(range(len(losses)), key=losses.__getitem__, default=0)
    middles = range(width, min(lowest, len(losses) - width - 1) + 1)
    slopes = {place: losses[place + width] - losses[place - width] for place in middles}
    if not slopes or min(slopes.values()) >= 0:
        raise UserError(
            "the loss does not fall at any rate that was tried: give optim.lr by hand, or look at the data."
        )
    return rates[min(slopes, key=slopes.__getitem__)]


def size_curve(
    seconds: Callable[[int], tuple[int, float]], sizes: Iterable[int]
) -> list[tuple[int, int, float]]:
    """Times training steps of growing batches until memory, patience or the gain ends.

    Args:
        seconds: takes a batch size; returns samples of a batch and seconds of a step.
        sizes: rising.

    Returns:
        Batch size, samples in the batch and seconds of a step, one of each size that was tried.

    Raises:
        UserError: if not even the smallest fits.
    """
    found: list[tuple[int, int, float]] = []
    for size in sizes:
        try:
            samples, took = seconds(size)
        except (MemoryError, RuntimeError) as error:
            if found and (isinstance(error, MemoryError) or "memory" in str(error).lower()):
                break
            raise
        except UserError:
            if found:  # more than the data can give
                break
            raise
        found.append((size, samples, took))
        speeds = [one[1] / one[2] for one in found]
        if took > _LONG or (len(found) > 1 and samples <= found[-2][1]):
            break
        if len(found) > 2 and speeds[-1] < 1.05 * speeds[-3]:  # two doublings for nothing
            break
    return found


def best_size(found: list[tuple[int, int, float]]) -> int:
    """Returns the smallest size that trains nearly as many samples a second as the best."""
    best = max(samples / took for _, samples, took in found)
    return next(size for size, samples, took in found if samples / took >= _ENOUGH * best)
