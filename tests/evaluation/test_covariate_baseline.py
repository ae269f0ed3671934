"""The linear map from all inputs: exact where the world is linear, blind to what lies behind an origin."""

import numpy as np
import pandas as pd
import pytest

from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.evaluation.forecast_beside import linear_with_covariates


def made(tmp_path, frame, **settings):
    frame.to_csv(tmp_path / "made.csv", index=False)
    settings = {"past": ["x"], "horizon": 2, "lookback": 6, "test": 30, "validation": 40, **settings}
    data = TimeSeriesDataModule(path=tmp_path / "made.csv", target="y", time="none", **settings)
    data.suit({"head": "direct"})
    data.setup()
    return data


@pytest.fixture
def frame():
    """What comes is twice what x was two rows before, so that both steps ahead are known."""
    x = np.random.default_rng(0).normal(size=300)
    return pd.DataFrame({"x": x, "y": np.r_[0.0, 0.0, 2 * x[:-2]]})


def test_a_linear_world_is_forecast(tmp_path, frame):
    data = made(tmp_path, frame)
    batch = data.windows("test").gather(slice(None))
    found = linear_with_covariates(data, batch.keys.numpy())
    assert found.shape == (29, 2, 1)
    truth = batch.targets["horizon"].numpy()
    assert np.abs(found - truth).max() < 0.02 * np.abs(truth).max()
    # After validation rows have joined the training ones it is the same: they are not counted twice.
    data.fit_again()
    np.testing.assert_allclose(linear_with_covariates(data, batch.keys.numpy()), found, atol=1e-3)
    np.testing.assert_array_equal(
        linear_with_covariates(data, batch.keys.numpy()[::5]),
        linear_with_covariates(data, batch.keys.numpy())[::5],
    )


def test_nothing_behind_an_origin_is_read(tmp_path, frame):
    before = linear_with_covariates(made(tmp_path, frame), np.array([270, 271]))
    frame.loc[271:, :] = 1e6
    after = linear_with_covariates(made(tmp_path, frame), np.array([270, 271]))
    np.testing.assert_array_equal(before[:1], after[:1])
    np.testing.assert_array_equal(before[1], after[1])


def test_nothing_beside_the_series(tmp_path, frame):
    data = made(tmp_path, frame, past=None)
    assert linear_with_covariates(data, np.array([270])) is None
