"""Conformal intervals: ranks by hand, growth where windows are few, and coverage where they are many."""

import numpy as np
import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.data.timeseries.interval import LEVELS, ends, margins, offsets, outside, scale, usual
from lstm_lab.data.timeseries.uncertainty import Uncertainty
from lstm_lab.tasks.probabilistic import coverage, crps


def test_ranks_by_hand():
    errors = np.arange(1.0, 100.0)[:, None, None]  # 99 errors: 80 % of 100 values lie within the 80th
    assert margins(errors, 1, 0.8).item() == 80
    # The distribution is that of the intervals: half of 99 errors lie within the 50th, and the point is the median.
    assert offsets(errors, 1, [0.1, 0.25, 0.5, 0.75, 0.9]).flatten().tolist() == [-80, -50, 0, 50, 80]


def test_few_windows_share_a_quantile_that_grows_with_the_seasons():
    errors = np.full((20, 4, 1), np.nan)
    errors[:, 0, 0] = np.arange(1.0, 21.0)
    found = margins(errors, 2, 0.8)[:, 0]
    assert found == pytest.approx(found[0] * np.sqrt([1, 1, 2, 2]))


def test_many_windows_have_a_quantile_for_each_step_and_series():
    errors = np.random.default_rng(0).normal(size=(4000, 2, 2)) * [[[1, 5], [2, 7]]]
    found = margins(np.abs(errors), 1, 0.8)
    assert found == pytest.approx(1.2816 * np.array([[1, 5], [2, 7]]), rel=0.08)
    assert offsets(errors, 1).shape == (2, 2, len(LEVELS))


def test_quantiles_are_moved_by_what_they_missed():
    quantiles = np.array([[[[-1.0, 0.0, 1.0]]]])
    assert outside(quantiles, np.array([[[3.0]]]), [0.1, 0.5, 0.9], 0.8).item() == 2
    assert outside(quantiles, np.array([[[0.5]]]), [0.1, 0.5, 0.9], 0.8).item() == -0.5
    assert ends([0.05, 0.1, 0.5, 0.9, 0.95], 0.9) == (0, 4)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_coverage_of_new_errors(share):
    draw = np.random.default_rng(1).standard_t(4, size=(2, 3000, 1, 1))
    half = margins(np.abs(draw[0]), 1, share)
    assert (np.abs(draw[1]) <= half).mean() == pytest.approx(share, abs=0.03)


def validated(forecast, truth, **more):
    """An `Uncertainty` measured on W windows of one step and one series."""
    truth = torch.as_tensor(truth)[:, None, None]
    batch = Batch(
        inputs=truth,
        lengths=torch.ones(len(truth)),
        keys=torch.arange(len(truth)),
        targets={"horizon": truth, "horizon_mask": torch.ones_like(truth, dtype=torch.bool)},
    )
    found = {"forecast": torch.as_tensor(forecast)[:, None, None], **more}
    return Uncertainty.calibrated([(found, batch)], 1, 0.8, None)


def test_a_trend_of_the_validation_rows_does_not_move_the_median():
    draw = np.random.default_rng(2)
    truth = 5 + draw.normal(size=36)  # forecasts of 0 were all too low
    spread = validated(np.zeros(36), truth)
    point = torch.zeros(1, 1, 1)
    quantiles, levels = spread.distribution({"forecast": point})
    assert quantiles[..., levels.index(0.5)].item() == 0
    later = draw.normal(size=(200, 1, 1))  # and later ones are not
    drawn = np.broadcast_to(quantiles.numpy(), (200, 1, 1, len(levels)))
    assert crps(quantiles=drawn, truth=later, levels=levels) < 2.5
    ends_of = spread.finish({"forecast": point})
    assert ends_of["lower"].item() == pytest.approx(quantiles[0, 0, 0, levels.index(0.1)].item())
    assert ends_of["upper"].item() == pytest.approx(quantiles[0, 0, 0, levels.index(0.9)].item())


def test_members_that_disagree_widen_the_interval_and_hold_its_share():
    draw = np.random.default_rng(3)
    hard = draw.uniform(0.2, 3, size=(2, 4000))  # how hard each window is, which the members show
    errors = draw.normal(size=(2, 4000)) * hard
    scatter = torch.as_tensor(hard)[..., None, None]
    spread = validated(np.zeros(4000), errors[0], scatter=scatter[0])
    plain = validated(np.zeros(4000), errors[0])
    for one, more in ((spread, {"scatter": scatter[1]}), (plain, {})):
        found = one.finish({"forecast": torch.zeros(4000, 1, 1), **more})
        inside = [found["lower"].numpy().ravel(), found["upper"].numpy().ravel()]
        assert coverage(lower=inside[0], upper=inside[1], truth=errors[1]) == pytest.approx(0.8, abs=0.03)
        wide = hard[1] > 2.5
        share = coverage(lower=inside[0][wide], upper=inside[1][wide], truth=errors[1][wide])
        assert (share > 0.68) == bool(more)  # without the members the hard windows are covered too seldom


def test_a_single_member_has_the_plain_conformal_interval():
    errors = np.abs(np.random.default_rng(4).normal(size=(500, 3, 2)))
    unit = scale(usual(errors, 1), np.zeros((1, 3, 2)))
    np.testing.assert_allclose(unit * margins(errors / unit, 3, 0.8), margins(errors, 1, 0.8)[None])
