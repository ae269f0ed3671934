"""Open, high, low, close and volume as log changes: by hand, from the past alone, the same from a file and a table."""

import numpy as np
import pandas as pd
import pytest
import torch

from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.data.timeseries.returns import Returns
from lstm_lab.errors import UserError

OHLCV = {"Open": "Close", "High": "Close", "Low": "Close", "Close": "Close", "Volume": "Volume"}


def bars(rows=80):
    draw = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(draw.normal(0, 0.02, rows)))
    return pd.DataFrame(
        {
            "Date": pd.date_range("2020-01-06", periods=rows, freq="D").strftime("%Y-%m-%d"),
            "Open": close * 1.01,
            "High": close * 1.05,
            "Low": close * 0.9,
            "Close": close,
            "Adj Close": close / 2,
            "Volume": draw.integers(100, 1000, rows),
        }
    )


def made(tmp_path, frame, **settings):
    frame.to_csv(tmp_path / "bars.csv", index=False)
    settings = {"horizon": 1, "lookback": 5, "test": 10, "validation": 10, "returns": OHLCV, **settings}
    data = TimeSeriesDataModule(path=tmp_path / "bars.csv", target="Close", **settings)
    data.setup()
    return data


def test_by_hand():
    table = pd.DataFrame({"Open": [1.0, 3, 8], "Close": [2.0, 4, np.nan], "Volume": ["10", "", "0"]})
    found = Returns({"Open": "Close", "Close": "Close", "Volume": "Volume"}).columns(table)
    assert list(found) == ["Open return", "Close return", "Volume return"]
    nan = np.nan
    np.testing.assert_allclose(found["Open return"], [nan, np.log(3 / 2), np.log(8 / 4)])
    np.testing.assert_allclose(found["Close return"], [nan, np.log(4 / 2), nan])
    np.testing.assert_allclose(
        found["Volume return"], [nan, nan, nan]
    )  # nothing is known of what is not above zero


def test_what_a_net_reads(tmp_path):
    frame = bars()
    data = made(tmp_path, frame)
    names = data.spec.inputs.names
    assert names == ("Close", *(f"{name} return" for name in OHLCV), "phase")
    assert data.spec.future == ()
    batch = data.windows("test").gather(slice(None))
    rows = batch.keys[:, None] + torch.arange(-5, 0)
    open_ = np.log(frame["Open"] / frame["Close"].shift())
    mean, spread = open_[:60].mean(), open_[:60].std(ddof=0)
    expected = torch.tensor(((open_ - mean) / spread).to_numpy())[rows]
    torch.testing.assert_close(batch.inputs[..., 1].double(), expected, rtol=1e-4, atol=1e-4)


def test_a_window_knows_nothing_of_its_day_or_later(tmp_path):
    frame = bars()
    before = made(tmp_path, frame).windows("test").gather(slice(0, 1))
    origin = int(before.keys[0])
    frame.loc[origin:, ["Open", "High", "Low", "Close", "Volume"]] = 1e6
    after = made(tmp_path, frame).windows("test").gather(slice(0, 1))
    assert torch.equal(before.inputs, after.inputs)
    frame.loc[origin - 1, "Volume"] = 1
    assert not torch.equal(before.inputs, made(tmp_path, frame).windows("test").gather(slice(0, 1)).inputs)


def test_the_same_from_the_end_of_the_data_a_file_and_a_table(tmp_path):
    frame = bars()
    processor = made(tmp_path, frame).processor
    again = type(processor).from_plain(processor.to_plain())
    tables = [
        again.table(None),
        again.table(tmp_path / "bars.csv"),
        again.table(frame.set_index(pd.DatetimeIndex(frame["Date"], freq="D"))),
    ]
    batches = [again.to_batch(table) for table in tables]
    for batch in batches[1:]:
        torch.testing.assert_close(batch.inputs, batches[0].inputs)


@pytest.mark.parametrize(
    ("change", "settings", "line"),
    [
        (lambda one: one.drop(columns=["Open"]), {}, "there is no column 'Open'. Columns: High, Low"),
        (
            lambda one: one.assign(Volume="many"),
            {},
            "column 'Volume' holds words; it needs prices or volumes",
        ),
        (lambda one: one, {"returns": ["Open"]}, "must say by which column each is measured"),
        (lambda one: one, {"returns": {"Open": None}}, "must say by which column each is measured"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path, change, settings, line):
    with pytest.raises(UserError, match=line) as told:
        made(tmp_path, change(bars()), **settings)
    assert "\n" not in str(told.value)


def test_one_series_with_a_name():
    with pytest.raises(UserError, match=r"name its column with data\.target"):
        TimeSeriesDataModule(path="bars.csv", returns=OHLCV)
    with pytest.raises(UserError, match="no column 'Volume'"):
        Returns(OHLCV).columns(bars().drop(columns=["Volume"]))
