"""Backtests through the real door: one batched pass equals a loop over origins, and folds are trained on their rows."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

import lstm_lab
from lstm_lab.backtest import main
from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.data.timeseries.source import Series
from lstm_lab.evaluation.forecast import forecast_part
from lstm_lab.train import main as door


def test_all_origins_in_one_pass_are_those_of_a_loop(train, monthly, tmp_path, capsys):
    path = monthly()
    ran = train("data=csv", f"data.path={path}", "data.horizon=3", "data.test=12")
    assert main([f"run={ran.path}", f"out={tmp_path / 'back'}"]) == 0
    assert "from 10 origins" in capsys.readouterr().out
    together = pd.read_csv(tmp_path / "back" / "backtest.csv")
    predictor, table = lstm_lab.load(ran.path), pd.read_csv(path, index_col=0)
    table.index = pd.DatetimeIndex(table.index, freq="MS")
    for number in range(10):
        alone = predictor.predict(table.iloc[: 60 + number])
        rows = together.iloc[3 * number : 3 * number + 3]
        assert rows["time"].tolist() == [f"{stamp:%Y-%m-%d}" for stamp in alone.index]
        for column in ("forecast", "lower", "upper"):
            np.testing.assert_allclose(rows[column], alone[column], rtol=1e-6)
    metrics = json.loads((tmp_path / "back" / "backtest.json").read_text())["metrics"]
    steps = pd.read_csv(tmp_path / "back" / "by_step.csv")
    assert steps["step"].tolist() == [1, 2, 3]
    assert (steps["rmse"] ** 2).mean() == pytest.approx(metrics["test/rmse"] ** 2)
    assert steps["coverage"].mean() == pytest.approx(metrics["test/coverage"])
    # A weighted quantile loss is the CRPS over the mean size of the truth.
    assert metrics["test/wql"] == pytest.approx(metrics["test/crps"] / together["truth"].abs().mean())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("window", "weights"), [("expanding", "fresh"), ("sliding", "fresh"), ("expanding", "warm")]
)
def test_folds_are_trained_on_their_own_rows(window, weights, outputs, monthly, tmp_path, capsys):
    words = [
        "data=csv",
        "data.horizon=2",
        "data.test=8",
        "ensemble=1",
        "fit.max_steps=2",
        "model.hidden_size=4",
    ]
    out = tmp_path / "back"
    ways = ["every=3", "stride=2", f"window={window}", f"weights={weights}"]
    given = [*ways, f"out={out}"]
    assert main([*words, f"data.path={monthly()}", *given]) == 0
    shown = capsys.readouterr().out
    trained = "trained anew" if weights == "fresh" else "trained on from the last weights"
    assert f"2 step(s) ahead from 4 origins, stride 2, {trained} every 3 origins, {window}" in shown
    table = pd.read_csv(out / "backtest.csv")
    assert table["step"].tolist() == [1, 2] * 4
    assert table["truth"].notna().all()
    again = tmp_path / "again"
    rewritten = monthly(
        "late.csv", lambda one: one.__setitem__("sales", one["sales"].where(one.index < 70, 1e6))
    )
    assert main([*words, f"data.path={rewritten}", *ways, f"out={again}"]) == 0
    # The last fold begins at row 70: nothing behind it was seen by it or by those before.
    assert pd.read_csv(again / "backtest.csv")["forecast"].tolist() == table["forecast"].tolist()


def test_a_run_begins_with_the_weights_of_another(train, monthly):
    words = ["data=csv", f"data.path={monthly()}", "data.horizon=3", "data.test=12", "data.season=0"]
    first = train(*words, "data.rows=60", "fit.max_steps=8")
    still = ["fit.max_steps=1", "optim.lr=1e-12", "optim.weight_decay=0"]
    second = train(*words, f"start={first.path}", *still)

    def weights(ran, name):
        state = torch.load(ran.path / "checkpoints" / name, weights_only=True)["state_dict"]
        return {
            key: value for key, value in state.items() if key.endswith(("weight", "kernels.0.weight_hh_l0"))
        }

    for name in ("fit.ckpt", "best.ckpt"):  # before validation was over, and after the refit
        assert weights(second, name).keys() == weights(first, name).keys()
        for key, value in weights(first, name).items():
            torch.testing.assert_close(weights(second, name)[key], value, atol=1e-6, rtol=0)
    assert not torch.equal(
        weights(first, "fit.ckpt")["members.0.head.weight"],
        weights(first, "best.ckpt")["members.0.head.weight"],
    )
    # What was measured is its own: the spread of more rows.
    assert not torch.equal(
        first.checkpoint["state_dict"]["members.0.spread"],
        second.checkpoint["state_dict"]["members.0.spread"],
    )


def test_weights_of_another_size_are_refused(train, monthly, capsys):
    words = ["data=csv", f"data.path={monthly()}", "data.horizon=3", "data.test=12"]
    first = train(*words)
    capsys.readouterr()
    assert door([*words, "ensemble=1", "model.hidden_size=5", f"start={first.path}", "tracking=off"]) == 2
    error = capsys.readouterr().err
    assert "its networks are not of the sizes" in error
    assert len(error.splitlines()) == 1


WRONG = {
    "warm": (["data=airline", "weights=warm"], "weights=warm needs every=k"),
    "every": (["data=airline", "every=soon"], "every=soon must be never"),
    "stride": (["data=airline", "stride=0"], "stride=0 must be"),
    "window": (["data=airline", "window=rolling"], "window=rolling is not known"),
    "both": (["run=latest", "data=airline"], "leave the words of a training"),
    "data": (["data=digits_rows"], "backtest is for series of numbers, which data=digits_rows is not"),
    "key": (["data=airline", "evry=3"], "there is no key 'evry'"),
}


@pytest.mark.parametrize(("words", "told"), WRONG.values(), ids=list(WRONG))
def test_wrong_words_are_one_line(words, told, outputs, capsys):
    assert main(words) == 2
    error = capsys.readouterr().err
    assert told in error
    assert len(error.splitlines()) == 1


def test_many_series_and_missing_values_are_scored_where_there_is_a_truth(train, tmp_path):
    rows = np.arange(90.0)
    values = np.stack([np.sin(rows), np.cos(rows) + 5], axis=1)
    values[80, 0] = values[30, 1] = np.nan
    path = tmp_path / "two.csv"
    pd.DataFrame(values, columns=["a", "b"]).to_csv(path, index=False)
    ran = train(
        "data=csv", f"data.path={path}", "data.target=all", "data.horizon=4", "data.test=12", "task.head=segment",
        "data.scored=standardised",
    )  # fmt: skip
    assert {"test/mse_standardised", "test/mase", "test/crps", "test/coverage"} <= ran.metrics[
        "metrics"
    ].keys()
    predictions = ran.predictions
    assert set(predictions["series"]) == {"a", "b"}
    assert len(predictions) == 9 * 4 * 2 - 3  # row 80 is a target of the first three windows
    data = TimeSeriesDataModule(path=path, target="all", horizon=4, test=12)
    assert isinstance(data.series, Series)
    found = forecast_part(lstm_lab.load(ran.path), data, "test")
    assert np.isnan(found.truth).sum() == 3
