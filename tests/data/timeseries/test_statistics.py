"""Literal numbers for what is measured on training rows."""

import numpy as np
import pytest

from lstm_lab.data.timeseries.source import shipped
from lstm_lab.data.timeseries.statistics import (
    fill,
    fit_moments,
    fit_statistics,
    is_seasonal,
    seasonal_profile,
)


def column(*values):
    return np.array(values, float)[:, None]


def test_a_season_of_two_by_hand():
    # Trend 2 a row, season +1, -1: 1 1 5 5 9 9 …
    values = column(1, 1, 5, 5, 9, 9, 13, 13, 17, 17)
    found = fit_statistics(values, 2)
    assert found["block"] == 2
    assert found["floor"] == [1.0]
    if found["seasonal"]:
        assert found["mase"] == [4.0]
    assert seasonal_profile(values[:, 0], 2) == pytest.approx([1, -1])


def test_mase_of_a_series_without_a_season_is_the_mean_step():
    found = fit_statistics(column(1, 3, 2, 6), 0)
    assert (found["block"], found["seasonal"]) == (1, False)
    assert found["mase"] == [pytest.approx((2 + 1 + 4) / 3)]
    assert found["scales"]["raw"]["level"]["spread"] == [pytest.approx(((4 + 1 + 16) / 3) ** 0.5)]
    assert "difference" not in found["scales"]["raw"]


def test_the_airline():
    training = shipped("airline").values[:108]
    found = fit_statistics(training, 12)
    assert found["seasonal"]
    assert found["block"] == 12
    assert found["floor"] == [104.0]
    # The mean absolute difference to the same month a year before, as in the MASE of the final table.
    assert found["mase"][0] == pytest.approx(np.abs(training[12:] - training[:-12]).mean())
    assert found["mase"][0] == pytest.approx(30.572917, abs=1e-6)
    assert {"raw", "log"} == found["scales"].keys()
    raw, log = (np.array(found["scales"][scale]["level"]["profile"][0]) for scale in ("raw", "log"))
    for profile in (raw, log):
        assert profile.sum() == pytest.approx(0, abs=1e-9)
        assert profile.argmax() in (6, 7)  # July and August
        assert profile.argmin() in (10, 1)  # November and February
    assert found["scales"]["raw"]["difference"]["spread"][0] == pytest.approx(
        np.sqrt(np.mean((training[12:] - training[:-12]) ** 2))
    )


def test_logarithms_need_positive_values():
    assert "log" not in fit_statistics(column(1, 0, 2, 3, 4, 5), 0)["scales"]
    assert "log" not in fit_statistics(column(1, -1, 2, 3, 4, 5), 0)["scales"]
    assert "log" in fit_statistics(column(1, 0.1, 2, 3, 4, 5), 0)["scales"]


def test_a_season_is_seen_where_there_is_one():
    rows = np.arange(96)
    noise = np.random.default_rng(0).normal(size=96)
    season = 5 * np.sin(rows * np.pi / 6)
    assert is_seasonal(20 + season + rows + noise, 12)
    assert not is_seasonal(noise.cumsum(), 12)
    assert not is_seasonal(rows.astype(float), 12)
    assert not is_seasonal(np.ones(96), 12)
    assert not is_seasonal(season[:35], 12)  # less than three seasons show nothing
    assert not is_seasonal(season, 1)
    near_zero = 5 + season  # from 0 to 10: logarithms of the lowest values would hide the season
    assert is_seasonal(near_zero - near_zero.min() + 1e-4 + noise.clip(0), 12)


@pytest.mark.parametrize("season", [2, 3, 12])
def test_a_pure_season_is_its_own_profile(season):
    shape = np.random.default_rng(season).normal(size=season)
    shape -= shape.mean()
    rows = np.arange(6 * season)
    assert seasonal_profile(shape[rows % season] + 0.5 * rows, season) == pytest.approx(shape)


def test_a_constant_series_divides_by_nothing():
    found = fit_statistics(np.full((30, 1), 7.0), 12)
    assert found["mase"][0] > 0
    assert all(
        value > 0 for scale in found["scales"].values() for view in scale.values() for value in view["spread"]
    )


def test_series_side_by_side_are_measured_one_by_one():
    rows = np.arange(60.0)
    both = np.stack([rows + 3 * np.sin(rows * np.pi / 6), 100 - rows + np.cos(rows)], axis=1)
    found = fit_statistics(both, 12)
    first = fit_statistics(both[:, :1], 12)
    assert len(found["mase"]) == len(found["floor"]) == 2
    assert found["mase"][0] == pytest.approx(first["mase"][0])
    assert found["scales"]["raw"]["level"]["spread"][0] == pytest.approx(
        first["scales"]["raw"]["level"]["spread"][0]
    )


def test_statistics_are_plain_data():
    def plain(value):
        if isinstance(value, dict):
            return all(type(key) is str and plain(one) for key, one in value.items())
        if isinstance(value, list):
            return all(map(plain, value))
        return type(value) in (int, float, bool, str)

    assert plain(fit_statistics(shipped("airline").values, 12))


def test_a_missing_value_is_filled_from_the_past_alone():
    nan = np.nan
    values = np.array([[nan, 1], [2, nan], [nan, nan], [5, 7]])
    assert fill(values).tolist() == [[0, 1], [2, 1], [2, 1], [5, 7]]
    later = values.copy()
    later[3] = 1e6
    assert np.array_equal(fill(later)[:3], fill(values)[:3])


def test_missing_values_do_not_count():
    values = column(1, 3, np.nan, 6, 7)
    found = fit_statistics(values, 0)
    assert found["missing"]
    assert found["mase"] == [pytest.approx((2 + 1) / 2)]
    assert found["rmsse"] == [pytest.approx(((4 + 1) / 2) ** 0.5)]
    assert not fit_statistics(column(1, 2, 3, 4), 0)["missing"]


def test_moments_by_hand():
    raw = fit_moments(column(0, 2, 4, 6, 8))["raw"]
    assert raw == {
        "mean": [4.0],
        "std": [8**0.5],
        "min": [0.0],
        "range": [8.0],
        "median": [4.0],
        "iqr": [4.0],
    }
    assert fit_moments(column(0, 2)).keys() == {"raw", "log1p"}
    assert fit_moments(column(-2, 2)).keys() == {"raw"}
    rows = np.random.default_rng(0).normal(size=(400, 1))
    assert fit_moments(np.exp(rows))["boxcox"]["power"][0] == pytest.approx(0, abs=0.11)
    assert fit_moments((5 + 0.5 * rows) ** 2)["boxcox"]["power"][0] == pytest.approx(0.5, abs=0.3)
