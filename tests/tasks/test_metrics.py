"""Forecast metrics against numbers worked out by hand."""

import math

import pytest
import torch
from torchmetrics.functional import mean_absolute_error, mean_absolute_percentage_error, mean_squared_error

from lstm_lab.tasks import metrics as module
from lstm_lab.tasks.metrics import MAE, MAPE, MASE, RMSE, SMAPE, forecast_metrics, score

KEYS = ["rmse", "mae", "mape", "smape", "mase"]
TRUTH = torch.tensor([10.0, 20.0, 40.0, 50.0])
FORECAST = torch.tensor([12.0, 20.0, 30.0, 50.0])  # errors 2, 0, -10, 0


def results(collection) -> dict[str, float]:
    return {name: float(value) for name, value in collection.compute().items()}


def test_by_hand():
    found = score(FORECAST.numpy(), TRUTH.numpy(), scale=1.5)
    assert sorted(found) == sorted(KEYS)
    assert found["rmse"] == pytest.approx(math.sqrt(104 / 4), rel=1e-12)
    assert found["mae"] == pytest.approx(3, rel=1e-12)
    assert found["mape"] == pytest.approx((20 + 25) / 4, rel=1e-12)
    assert found["smape"] == pytest.approx((200 * 2 / 22 + 200 * 10 / 70) / 4, rel=1e-12)
    assert found["mase"] == pytest.approx(2, rel=1e-12)


def test_the_same_as_torchmetrics_where_it_has_them():
    truth, forecast = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = score(forecast.numpy(), truth.numpy(), scale=2.0)
    assert found["rmse"] == pytest.approx(float(mean_squared_error(forecast, truth, squared=False)))
    assert found["mae"] == pytest.approx(float(mean_absolute_error(forecast, truth)))
    assert found["mape"] == pytest.approx(100 * float(mean_absolute_percentage_error(forecast, truth)))


def test_batches_of_any_size_give_the_mean_over_all():
    whole, parts = forecast_metrics(1.5), forecast_metrics(1.5)
    whole.update(forecast=FORECAST, truth=TRUTH)
    for rows in (slice(0, 1), slice(1, 4)):
        parts.update(forecast=FORECAST[rows, None], truth=TRUTH[rows, None])
    assert results(parts) == pytest.approx(results(whole), rel=1e-12)


def test_a_first_batch_without_error_does_not_join_the_metrics():
    # All sums are zero after it; torchmetrics would take equal states for equal metrics.
    found = forecast_metrics(1.5)
    found.update(forecast=TRUTH, truth=TRUTH)
    found.update(forecast=FORECAST, truth=TRUTH)
    assert results(found) == pytest.approx(
        score(torch.cat([TRUTH, FORECAST]).numpy(), torch.cat([TRUTH, TRUTH]).numpy(), 1.5)
    )


def test_states_of_two_ranks_merge_into_one():
    # What a sum over ranks does: add every state of both, then compute.
    one, other, whole = (forecast_metrics(1.5) for _ in range(3))
    truth = torch.tensor([0.0, 20.0, 40.0, 0.0])
    one.update(forecast=FORECAST[:1], truth=truth[:1])
    other.update(forecast=FORECAST[1:], truth=truth[1:])
    whole.update(forecast=FORECAST, truth=truth)
    for name in KEYS:
        mine, theirs = one[name], other[name]
        for state, reduce in mine._reductions.items():
            both = torch.stack([getattr(mine, state), getattr(theirs, state)])
            setattr(mine, state, reduce(both))
        mine._computed = None
        assert float(mine.compute()) == pytest.approx(float(whole[name].compute()), rel=1e-12), name
    assert int(one["mape"].zeros) == 2


@pytest.mark.parametrize("build", [RMSE, MAE, MAPE, SMAPE, lambda: MASE(1.0)])
def test_arguments_are_keywords(build):
    with pytest.raises(TypeError):
        build().update(FORECAST, TRUTH)
    with pytest.raises(TypeError):
        forecast_metrics(1.0).update(FORECAST, TRUTH)


def test_masked_targets_may_hold_anything():
    mask = torch.tensor([True, False, True, False])
    truth = torch.where(mask, TRUTH, torch.nan)
    forecast = torch.tensor([12.0, torch.inf, 30.0, torch.nan])
    found = forecast_metrics(1.5)
    found.update(forecast=forecast, truth=truth, mask=mask)
    assert results(found) == pytest.approx(score(FORECAST[mask].numpy(), TRUTH[mask].numpy(), 1.5))


def test_a_forecast_that_is_not_finite_is_not_hidden():
    assert math.isnan(score([1.0, math.nan], [1.0, 1.0], 1.0)["rmse"])


def test_zero_truths_are_left_out_of_mape_and_counted():
    metric = MAPE()
    metric.update(forecast=torch.tensor([5.0, 12.0, 0.0]), truth=torch.tensor([0.0, 10.0, 0.0]))
    assert float(metric.compute()) == pytest.approx(20)
    assert int(metric.zeros) == 2
    found = score([5.0, 0.0], [0.0, 0.0], 1.0)
    assert math.isnan(found["mape"])
    assert found["smape"] == pytest.approx(100)  # 200 for the first, 0 where both are zero


def test_negative_truths_give_positive_percentages():
    assert score([-12.0], [-10.0], 1.0)["mape"] == pytest.approx(20)


@pytest.mark.parametrize("scale", [0.0, math.nan])
def test_mase_of_a_constant_series_is_not_defined(scale):
    found = score([5.0, 6.0], [5.0, 5.0], scale)
    assert math.isnan(found["mase"])
    assert found["mae"] == 0.5


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"forecast \(4, 1\) and truth \(4,\)"):
        MAE().update(forecast=FORECAST[:, None], truth=TRUTH)
    with pytest.raises(ValueError, match="mask"):
        MAE().update(forecast=FORECAST, truth=TRUTH, mask=torch.ones(1, dtype=torch.bool))


def test_sums_are_kept_in_64_bits():
    metric = MAE()
    for _ in range(3):  # 32 bits lose the ones beside 2**24
        metric.update(forecast=torch.tensor([2.0**24, 1.0]), truth=torch.zeros(2))
    assert float(metric.total) == 3 * 2**24 + 3
    metric.half().float()
    assert metric.total.dtype == torch.float64


def test_devices_without_64_bits_get_32(monkeypatch):
    monkeypatch.setattr(module, "_WITHOUT_DOUBLE", {"meta"})
    moved = MAE().to("meta")
    assert (moved.total.device.type, moved.total.dtype, moved.count.dtype) == (
        "meta",
        torch.float32,
        torch.int64,
    )
    moved.reset()
    assert (moved.total.device.type, moved.total.dtype) == ("meta", torch.float32)


def test_reset_and_clone_start_anew():
    found = forecast_metrics(1.5)
    found.update(forecast=FORECAST, truth=TRUTH)
    first = results(found)
    found.reset()
    again = found.clone(prefix="test/")
    again.update(forecast=FORECAST, truth=TRUTH)
    assert results(again) == {f"test/{name}": value for name, value in first.items()}
