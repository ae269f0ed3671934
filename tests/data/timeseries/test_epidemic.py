"""A made epidemic: whole counts, over-dispersed, a wave each winter, and the same one every time."""

import numpy as np
import pytest

from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.data.timeseries.epidemic import DISPERSION, incidence


def test_counts_of_a_winter_disease():
    series = incidence()
    cases = series.values[:, 0]
    assert np.array_equal(cases, np.round(cases))
    assert cases.min() >= 0
    assert series.digest == incidence().digest
    assert series.digest != incidence(seed=1).digest
    assert series.index[0].isocalendar()[:2] == (2008, 2)
    # Every winter has its wave, at its own week and of its own size.
    winters = cases[26 : 26 + 15 * 52].reshape(15, 52)  # from July to June
    assert ((winters.argmax(1) > 20) & (winters.argmax(1) < 48)).all()
    assert winters.max(1).std() > 50
    assert winters.max(1).min() > 5 * winters.min(1).max()


def test_reports_spread_more_than_by_chance():
    """Var = μ + α μ²: divided by its root, what lies between neighbours has the spread of two independent reports."""
    cases = incidence(weeks=5200).values[:, 0]
    middle = np.convolve(cases, np.ones(5) / 5, "same")[2:-2]
    apart = (cases[2:-2] - middle) * np.sqrt(5 / 4)
    ratio = np.mean(apart**2 / (middle + DISPERSION * middle**2))
    assert ratio == pytest.approx(1, abs=0.25)
    assert np.mean(apart**2 / middle) > 4  # a Poisson count would have 1


def test_a_file_of_ones_own_takes_the_place_of_the_made_one(tmp_path):
    path = tmp_path / "mine.csv"
    weeks = "\n".join(
        f"2020-{1 + number // 4:02}-{1 + 7 * (number % 4):02},{number % 9}" for number in range(4)
    )
    path.write_text("week,cases\n" + weeks + "\n")
    data = TimeSeriesDataModule(name="incidence", path=path)
    assert data.read().values[:, 0].tolist() == [0, 1, 2, 3]
    assert data.source == str(path)
