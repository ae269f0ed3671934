"""Pictures: a readable file of the right size, whose axes hold the data."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.dates import date2num
from matplotlib.image import imread

from lstm_lab.figures.forecast import draw_forecast
from lstm_lab.figures.training import draw_learning_curve

STEPS = pd.date_range("1957-01", periods=30, freq="MS")


def tables(index):
    values = pd.Series(np.arange(30.0) ** 1.5, index=index)
    forecast = pd.DataFrame({"forecast": values[20:] + 3})
    forecast["lower"], forecast["upper"] = forecast["forecast"] - 5, forecast["forecast"] + 5
    return values[:20], values[20:], forecast, ("seasonal naive", values[20:] - 7)


def curves(axes) -> dict[str, np.ndarray]:
    return {str(line.get_label()): line.get_ydata() for line in axes.get_lines()}


def legend(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def size(path) -> tuple[int, int]:
    height, width, _ = imread(path).shape
    return width, height


@pytest.mark.parametrize("index", [STEPS, pd.RangeIndex(30)], ids=["stamps", "integers"])
def test_a_forecast_picture_holds_all_it_was_given(tmp_path, index):
    history, truth, forecast, baseline = tables(index)
    path = tmp_path / "figures" / "forecast.png"
    figure = draw_forecast(path, history, truth, forecast, baseline, title="airline", unit="thousands")
    assert size(path) == (1200, 600)
    (axes,) = figure.axes
    found = curves(axes)
    np.testing.assert_array_equal(found["history"], history)
    np.testing.assert_array_equal(found["truth"], [history.iloc[-1], *truth])
    np.testing.assert_array_equal(found["forecast"], forecast["forecast"])
    np.testing.assert_array_equal(found["seasonal naive"], baseline[1])
    (band,) = (item for item in axes.collections if isinstance(item, PolyCollection))
    corners = band.get_paths()[0].vertices
    assert corners[:, 1].min() == forecast["lower"].min()
    assert corners[:, 1].max() == forecast["upper"].max()
    assert corners[:, 0].min() == (date2num(index[20]) if index is STEPS else 20)
    assert legend(axes) == ["history", "truth", "forecast", "interval", "seasonal naive"]
    assert axes.get_ylabel() == "thousands"
    assert figure.get_suptitle() == "airline"


def test_the_picture_is_drawn_not_blank(tmp_path):
    history, truth, forecast, baseline = tables(STEPS)
    draw_forecast(tmp_path / "a.png", history, truth, forecast, baseline, title="", unit="")
    blue = np.array([0x00, 0x72, 0xB2]) / 255
    assert (np.abs(imread(tmp_path / "a.png")[..., :3] - blue).max(axis=-1) < 0.02).sum() > 500


def test_truth_baseline_and_interval_may_be_absent(tmp_path):
    history, _, forecast, _ = tables(STEPS)
    figure = draw_forecast(tmp_path / "a.png", history, None, forecast[["forecast"]], None, title="", unit="")
    assert legend(figure.axes[0]) == ["history", "forecast"]


def test_a_single_step_is_seen(tmp_path):
    history, truth, forecast, _ = tables(STEPS)
    figure = draw_forecast(tmp_path / "a.png", history, truth[:1], forecast[:1], None, title="", unit="")
    (point,) = (line for line in figure.axes[0].get_lines() if line.get_label() == "forecast")
    assert point.get_marker() == "o"


def test_a_learning_curve_has_a_panel_for_each_unit_and_marks_the_best_step(tmp_path):
    table = pd.DataFrame(
        {
            "step": [10, 20, 30, 40],
            "epoch": [1, 2, 3, 4],
            "train/loss": [0.9, 0.5, 0.3, 0.2],
            "val/mae": [30.0, np.nan, 21.5, 24.0],
        }
    )
    figure = draw_learning_curve(tmp_path / "a.png", table)
    assert size(tmp_path / "a.png") == (1200, 600)
    loss, mae = figure.axes
    assert curves(loss)["train/loss"].tolist() == [0.9, 0.5, 0.3, 0.2]
    assert curves(mae)["val/mae"].tolist() == [30.0, 21.5, 24.0]
    assert legend(mae) == ["val/mae", "best: 21.5 at step 30"]
    assert legend(loss) == ["train/loss"]
    figure = draw_learning_curve(tmp_path / "b.png", table, smaller=False)
    assert legend(figure.axes[1])[1] == "best: 30 at step 10"


def test_losses_of_one_unit_share_a_panel_and_a_wide_fall_is_logarithmic(tmp_path):
    table = pd.DataFrame({"step": [1, 2], "train/loss": [1.0, 1e-4], "val/loss": [1.0, 0.5]})
    (axes,) = draw_learning_curve(tmp_path / "a.png", table).axes
    assert axes.get_yscale() == "log"
    assert legend(axes) == ["train/loss", "val/loss", "best: 0.5 at step 2"]


def test_a_table_without_a_curve_is_refused(tmp_path):
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_learning_curve(tmp_path / "a.png", pd.DataFrame({"step": [1], "val/mae": [np.nan]}))


def test_no_global_state():
    code = "import sys, lstm_lab.figures.forecast; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
