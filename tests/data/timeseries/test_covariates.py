"""What stands beside a series: coded by training rows alone, known when it is known, and missed by name."""

import numpy as np
import pandas as pd
import pytest
import torch

from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.data.timeseries.covariates import Encoder, choose_calendar, read_holidays
from lstm_lab.data.timeseries.processor import SeriesProcessor
from lstm_lab.errors import UserError


def table(rows=72, ahead=0):
    stamps = pd.date_range("2001-01", periods=rows + ahead, freq="MS")
    values = [str(20 + number % 12) for number in range(rows)] + [""] * ahead
    return pd.DataFrame(
        {
            "month": stamps.strftime("%Y-%m"),
            "price": np.arange(rows + ahead) / 10,
            "kind": ["a" if number % 3 else "b" for number in range(rows + ahead)],
            "sales": values,
        }
    )


def made(tmp_path, frame=None, **settings):
    path = tmp_path / "sales.csv"
    (table() if frame is None else frame).to_csv(path, index=False)
    settings = {"target": "sales", "horizon": 3, "lookback": 13, "test": 6, "validation": 6, **settings}
    data = TimeSeriesDataModule(path=path, **settings)
    data.setup()
    return data


def test_columns_stand_between_the_series_and_the_phase(tmp_path):
    data = made(tmp_path, past=["kind"], future=["price"], calendar=["month"], lags=[12])
    assert data.spec.inputs.names == (
        "sales", "kind=a", "kind=b", "sales 12 back", "price", "sine of month", "cosine of month", "phase"
    )  # fmt: skip
    assert data.spec.future == ("price", "sine of month", "cosine of month")
    batch = data.windows("train").gather(slice(None))
    rows = batch.keys[:, None] + torch.arange(-13, 0)
    assert torch.equal(batch.inputs[..., 1], ((rows % 3) > 0).float())
    price = torch.tensor(np.arange(72) / 10)
    mean, spread = price[:60].mean(), price[:60].std(correction=0)
    assert torch.allclose(batch.inputs[..., 4], ((price[rows] - mean) / spread).float(), atol=1e-6)
    ahead = batch.keys[:, None] + torch.arange(batch.future.shape[1])
    assert torch.allclose(batch.future[..., 0], ((price[ahead] - mean) / spread).float(), atol=1e-6)
    year = data.statistics["moments"]["raw"]
    lagged = torch.tensor(data.series.values[:, 0])[(rows - 12).clamp_min(0)]
    expected = ((lagged - year["mean"][0]) / year["std"][0]).float()
    assert torch.allclose(batch.inputs[..., 3][rows >= 12], expected[rows >= 12], atol=1e-6)


def test_a_level_that_training_never_saw_is_all_zeros():
    frame = pd.DataFrame({"kind": ["a", "b", "a", "c"]})
    encoder = Encoder(["kind"], []).fit(frame, 3)
    assert encoder.names(["y"]) == (["kind=a", "kind=b"], [])
    assert encoder.behind(frame, np.zeros((4, 1)), ([0.0], [1.0])).tolist() == [
        [1, 0],
        [0, 1],
        [1, 0],
        [0, 0],
    ]


def test_missing_values_are_told_to_the_net_and_are_no_targets(tmp_path):
    frame = table()
    frame.loc[[20, 62], "sales"] = "NA"
    data = made(tmp_path, frame)
    assert data.statistics["missing"]
    batch = data.windows("train").gather(slice(None))
    rows = batch.keys[:, None] + torch.arange(-13, 0)
    assert torch.equal(batch.observed[..., 0], rows != 20)
    assert batch.observed[..., 1:].all()
    assert (batch.inputs[..., 0][rows == 20] == float(table()["sales"][19])).all()  # the last known one
    ahead = batch.keys[:, None] + torch.arange(batch.targets["horizon"].shape[1])
    assert torch.equal(batch.targets["horizon_mask"][..., 0], (ahead != 20) & (ahead < 60))


def test_parts_by_date_and_with_a_gap(tmp_path):
    data = made(tmp_path, test="2006-01", validation="2005-01", gap=2)
    split = data.split
    assert (split.first_test, split.valid, split.first_validation, split.train) == (60, 58, 48, 46)
    for part, first, last in (("validation", 48, 57), ("test", 60, 71)):
        batch = data.windows(part).gather(slice(None))
        assert int(batch.keys[0]) == first
        assert int(batch.keys[-1]) + 3 - 1 == last
    assert int(data.windows("train").origins[-1]) + data.rollout_steps == 46


WRONG = {
    "no date": ({"test": "soon"}, r"data\.test=soon is neither"),
    "outside": ({"test": "1990-01-01"}, r"does not lie inside 2001-01-01"),
    "gap": ({"gap": -1}, r"data\.gap=-1"),
    "calendar": ({"calendar": ["moon"]}, r"data\.calendar=moon is not known"),
    "holidays": ({"holidays": ["never"]}, r"'never' is no day"),
    "lags": ({"lags": [0]}, r"data\.lags=0"),
    "scored": ({"scored": "raw"}, r"data\.scored=raw"),
    "past": ({"past": ["prize"]}, r"no column 'prize'.* Did you mean 'price'"),
}


@pytest.mark.parametrize(("settings", "told"), WRONG.values(), ids=list(WRONG))
def test_what_cannot_be_is_one_line(settings, told, tmp_path):
    with pytest.raises(UserError, match=told) as error:
        made(tmp_path, **settings)
    assert len(str(error.value).splitlines()) == 1


def test_a_calendar_needs_a_clock(tmp_path):
    with pytest.raises(UserError, match=r"data\.calendar needs a clock"):
        made(tmp_path, time="none", calendar=["month"])


def test_the_calendar_that_a_clock_passes_through():
    def chosen(freq):
        return choose_calendar("auto", pd.date_range("2001", periods=50, freq=freq), freq)

    assert chosen("h") == ["hour", "weekday", "yearday"]
    assert chosen("D") == ["weekday", "yearday"]
    assert chosen("MS") == ["month"]
    assert choose_calendar("auto", pd.RangeIndex(9), "") == []


def test_holidays_from_a_list_or_a_file(tmp_path):
    (tmp_path / "days.txt").write_text("2001-12-25\n\n2001-01-01\n")
    assert (
        read_holidays(tmp_path / "days.txt")
        == read_holidays(["2001-12-25", "2001-01-01"])
        == ["2001-01-01", "2001-12-25"]
    )
    encoder = Encoder([], [], holidays=["2001-01-02"])
    assert encoder.ahead(pd.DataFrame(), pd.date_range("2001-01-01", periods=3)).tolist() == [[0], [1], [0]]


# -- predicting ------------------------------------------------------------------------------------------------


@pytest.fixture
def planned(tmp_path):
    return made(tmp_path, table(72, ahead=3), future=["price"], past=["kind"], calendar=["month"])


def test_a_table_makes_the_batch_that_the_windows_have(planned):
    processor = SeriesProcessor.from_plain(planned.processor.to_plain())
    frame = table(72).replace("", np.nan)
    frame.index = pd.date_range("2001-01", periods=72, freq="MS")
    origin = 69
    given = frame.assign(
        sales=[float(cell) if row < origin else np.nan for row, cell in enumerate(frame["sales"])]
    )
    batch = processor.to_batch(given)
    window = planned.windows("test").gather(slice(3, 4))
    assert int(window.keys) == origin
    assert torch.allclose(batch.inputs, window.inputs, atol=1e-6)
    assert torch.allclose(batch.future, window.future, atol=1e-6)


def test_the_end_of_the_data_knows_its_plans(planned):
    example = planned.processor.example()
    assert len(example) == 13 + 3
    assert example["price"].notna().all()
    assert planned.processor.to_batch(example).future.shape == (1, 3, 3)


def test_a_missing_plan_names_the_first_stamp(planned):
    example = planned.processor.example()
    example.iloc[-2, example.columns.get_loc("price")] = np.nan
    with pytest.raises(UserError, match=r"'price' is missing at 2007-02-01.*3 rows ahead"):
        planned.processor.to_batch(example)
    with pytest.raises(UserError, match=r"'price' is missing at 2007-01-01"):
        planned.processor.to_batch(example.iloc[:13])


def test_a_past_covariate_after_the_origin_changes_nothing(planned):
    example = planned.processor.example()
    other = example.copy()
    other.iloc[-3:, other.columns.get_loc("kind")] = "b"
    for ours, theirs in zip(
        planned.processor.to_batch(example).tensors(),
        planned.processor.to_batch(other).tensors(),
        strict=True,
    ):
        assert torch.equal(ours[1], theirs[1])


def test_a_csv_in_another_style_is_the_same_table(planned, tmp_path):
    frame = table(72, ahead=3)
    frame["month"] = pd.to_datetime(frame["month"]).dt.strftime("%d.%m.%Y")
    frame.to_csv(tmp_path / "other.csv", sep=";", decimal=",", index=False)
    processor = planned.processor
    ours = processor.to_batch(processor.example())
    theirs = processor.to_batch(processor.table(tmp_path / "other.csv"))
    assert torch.allclose(ours.inputs, theirs.inputs)
    assert torch.allclose(ours.future, theirs.future)
