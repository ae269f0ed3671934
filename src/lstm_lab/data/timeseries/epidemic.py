"""Weekly counts of a disease, made by a formula: an epidemic each winter, no two alike, reported with noise.

Susceptible, infected and recovered people with seasonal transmission (Keeling & Rohani 2008, chapter 5), weeks as
generations; what is reported of them is over-dispersed (negative binomial).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from lstm_lab.data.timeseries.source import Series

_PEOPLE = 1_000_000
# Reproduction number of a wholly susceptible people, how much winter adds, and its standard deviation among years.
_SPREAD, _WINTER, _YEARS = 1.4, 0.15, 0.04
# Share of the recovered who lose their immunity in a week, cases that come from abroad in a week.
_WANING, _ABROAD = 1 / 50, 300
# Share of the infected who are reported, and the dispersion α of reports: their variance is μ + α μ².
_REPORTED, DISPERSION = 0.02, 0.08
_BEFORE = 520  # weeks that pass until the first year is forgotten


def incidence(weeks: int = 834, seed: int = 20) -> Series:
    """Returns reported cases a week, whole numbers; the same seed gives the same epidemic.

    Args:
        weeks: how many.
        seed: of everything that is drawn.
    """
    draw = np.random.default_rng(seed)
    susceptible, infected = 0.6 * _PEOPLE, 100.0
    years = draw.normal(0, _YEARS, size=(_BEFORE + weeks) // 52 + 2)
    expected = np.empty(_BEFORE + weeks)
    for week in range(len(expected)):
        season = 1 + _WINTER * np.cos(2 * np.pi * (week - 2) / 52.18)
        force = _SPREAD * season * np.exp(years[(week + 26) // 52]) * infected / _PEOPLE
        recovered = _PEOPLE - susceptible - infected
        new = susceptible * (1 - np.exp(-force)) + _ABROAD
        susceptible = max(susceptible - new, 0.0) + _WANING * recovered
        infected = expected[week] = new
    mean = _REPORTED * expected[_BEFORE:]
    cases = draw.poisson(mean * draw.gamma(1 / DISPERSION, DISPERSION, size=weeks)).astype(float)
    index = pd.date_range("2008-01-07", periods=weeks, freq="W-MON")
    return Series(cases[:, None], ("cases",), index, 52, "incidence", unit="cases", freq="W-MON")
