"""From Hydra's override grammar to Optuna's distributions.

The grammar is that of hydra-optuna-sweeper 1.4: ``choice``, ``range`` with an exclusive stop, ``interval``,
``int(…)``, ``tag(log, …)``, ``shuffle`` and plain values.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, ulp
from typing import Any

from hydra.core.override_parser.types import (
    ChoiceSweep,
    Glob,
    IntervalSweep,
    Override,
    RangeSweep,
    Sweep,
    Transformer,
)
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from lstm_lab.errors import UserError


def distribution_of(override: Override) -> BaseDistribution:
    """Returns the distribution that a swept override stands for.

    Raises:
        UserError: for an empty or impossible range, saying what is wrong with it.
    """
    value = override.value()
    try:
        if isinstance(value, (ChoiceSweep, Glob)) or override.is_choice_sweep():
            return _categorical(override)
        if isinstance(value, RangeSweep):
            return _range(override, value)
        if isinstance(value, IntervalSweep):
            return _interval(value)
    except ValueError as error:
        raise UserError(f"{override.input_line}: {error}") from None
    raise UserError(f"{override.input_line}: this kind of sweep is not known to the Optuna sweeper.")


def _categorical(override: Override) -> CategoricalDistribution:
    # Lists, dicts and null travel as the text that Hydra parses back; numbers stay numbers. Repeats are one
    # choice, but 1 and True are two.
    values = override.sweep_iterator(transformer=Transformer.encode)
    choices = list({(type(value), value): value for value in values}.values())
    if not choices:
        raise ValueError("there is nothing to choose from")
    return CategoricalDistribution(choices)  # type: ignore[arg-type]


def _range(override: Override, sweep: RangeSweep) -> BaseDistribution:
    if not sweep.step:
        raise ValueError("the step of a range must not be zero")
    values = sweep.range()
    if sweep.shuffle:
        return _categorical(override)
    if isinstance(values, range):
        if not values:
            raise ValueError("the range is empty: its stop is exclusive")
        return IntDistribution(min(values[0], values[-1]), max(values[0], values[-1]), step=abs(values.step))
    # As the decimals that were typed, not as the floats next to them: range(0,0.9,0.3) has three values. Hydra
    # excludes the stop, Optuna includes the last value.
    start, stop, step = (Fraction(repr(number)) for number in (sweep.start, sweep.stop, sweep.step))
    count = ceil((stop - start) / step)
    if count <= 0:
        raise ValueError("the range is empty: its stop is exclusive")
    low, high = sorted((start, start + (count - 1) * step))
    exact = all(Fraction(repr(float(number))) == number for number in (low, high, step))
    # Where floats lie too far apart for the steps, the values themselves are the choices.
    if not exact or (low != high and abs(step) < max(ulp(float(low)), ulp(float(high)))):
        return CategoricalDistribution(
            list(dict.fromkeys(float(start + index * step) for index in range(count)))
        )
    return FloatDistribution(float(low), float(high), step=float(abs(step)))


def _interval(sweep: IntervalSweep) -> BaseDistribution:
    low, high, log = sweep.start, sweep.end, "log" in sweep.tags
    if low is None or high is None:
        raise ValueError("an interval needs two ends")
    if low > high:
        raise ValueError(f"the interval ends ({high}) before it starts ({low})")
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=log)
    return FloatDistribution(low, high, log=log)


def grid_values(distribution: BaseDistribution) -> list[Any] | None:
    """Returns every value of a finite distribution in order, None if there are infinitely many."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    if isinstance(distribution, IntDistribution):
        return list(range(distribution.low, distribution.high + 1, distribution.step))
    if isinstance(distribution, FloatDistribution) and distribution.step is not None:
        low, step = Fraction(repr(distribution.low)), Fraction(repr(distribution.step))
        count = ceil((Fraction(repr(distribution.high)) - low) / step)
        return [float(low + index * step) for index in range(count)] + [distribution.high]
    return None


def is_sweep(override: Override) -> bool:
    """Tells a swept override from a plain value."""
    return isinstance(override.value(), Sweep) or override.is_sweep_override()
