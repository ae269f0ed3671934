"""What a run said is what its checkpoint says again: evaluate, predict, load, and the same seed twice."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

import lstm_lab
from lstm_lab import evaluate, evaluation, predict, predictor
from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.models import GRU, LSTM, SequenceModel
from lstm_lab.wiring import build


def scored_again(ran):
    """The test of a finished run, from its checkpoint alone."""
    data = build(ran.checkpoint["data"], TimeSeriesDataModule)
    return evaluation.test(predictor.load(ran.best), data), data


@pytest.mark.parametrize("data", ["airline", "sine"])
def test_evaluate_gives_the_same_numbers_to_the_last_digit(data, train, capsys):
    ran = train(f"data={data}", "ensemble=3")
    said = capsys.readouterr().out
    tested, _ = scored_again(ran)
    assert tested.metrics == ran.metrics["metrics"]
    assert {name: dict(row) for name, row in tested.baselines.iterrows()} == ran.metrics["baselines"]
    assert tested.verdict == ran.metrics["verdict"]
    for column in ("forecast", "lower", "upper", "truth"):
        assert np.array_equal(tested.predictions[column], ran.predictions[column])

    (ran.path / "config.yaml").write_text("{}")  # evaluate does without the training config
    assert evaluate.main(["run=latest"]) == 0
    table = [line for line in said.splitlines() if re.match(r"LSTM +\d", line)]
    assert len(table) == 1
    assert table[0] in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [("data=keywords", "model=gru"), ("data=echo", "model=lstm", "fit.validate_every=3")]
)
def test_evaluate_after_a_refit_prints_the_same_table_with_the_same_baselines(words, train, capsys):
    train(*words, "refit=true", "ensemble=1", "fit.max_steps=6", "early_stopping.patience=0")
    said = capsys.readouterr().out
    table = said[said.index("test: ") : said.index("\n\n", said.index("test: "))]
    assert evaluate.main(["run=latest"]) == 0
    assert table in capsys.readouterr().out


def test_predicting_the_rows_before_the_test_is_the_test_forecast(train):
    ran = train("data=airline")
    loaded = lstm_lab.load(ran.path)
    values = TimeSeriesDataModule("airline", horizon=36, test=36).series
    table = pd.DataFrame({"Passengers": values.values[:, 0]}, index=values.index)
    table.columns = loaded.processor.names
    shown = loaded.predict(table.iloc[:108])
    for column in ("forecast", "lower", "upper"):
        assert np.array_equal(shown[column], ran.predictions[column]), column
    assert [str(stamp)[:10] for stamp in shown.index] == [stamp[:10] for stamp in ran.predictions["time"]]
    # More history than is read, or just enough, makes no difference.
    pd.testing.assert_frame_equal(
        loaded.predict(table.iloc[108 - loaded.processor.lookback : 108]), shown, check_exact=True
    )
    # Without a table, the forecast goes on from the end of the file.
    pd.testing.assert_frame_equal(loaded.predict(), loaded.predict(table), check_exact=True)
    assert str(loaded.predict().index[0])[:7] == "1961-01"


def test_one_step_forecasts_from_every_origin_are_the_test_forecasts(train):
    ran = train("data=sine")
    loaded = lstm_lab.load(ran.best)
    series = TimeSeriesDataModule("sine", horizon=1).series
    table = pd.DataFrame(series.values, columns=["sin"])
    for row in (0, 17, 59):
        shown = loaded.predict(table.iloc[: 140 + row])
        assert shown["forecast"].iloc[0] == pytest.approx(ran.predictions["forecast"][row], abs=1e-6)
        assert shown.index[0] == 140 + row == ran.predictions["time"][row]


def test_the_same_seed_gives_the_same_run(train):
    words = (
        "data=sine",
        "fit.max_steps=12",
        "fit.validate_every=4",
        "ensemble=2",
        "model.recurrent_dropout=0.2",
    )
    one, two, other = (train(*words, seed) for seed in ("seed=0", "seed=0", "seed=1"))
    assert one.path != two.path
    pd.testing.assert_frame_equal(one.history, two.history, check_exact=True)
    pd.testing.assert_frame_equal(one.predictions, two.predictions, check_exact=True)
    assert one.metrics["metrics"] == two.metrics["metrics"] != other.metrics["metrics"]
    for name, tensor in one.checkpoint["state_dict"].items():
        assert torch.equal(tensor, two.checkpoint["state_dict"][name])


def test_the_checkpoint_is_a_lightning_checkpoint(train, capsys):
    ran = train("data=sine", "model=gru", "ensemble=2")
    content = torch.load(ran.best, weights_only=True)  # tensors and plain data only
    for kind in (GRU, LSTM, SequenceModel):  # the cell travels in the checkpoint
        model = kind.load_from_checkpoint(ran.best, weights_only=True, map_location="cpu")
        assert type(model.members[0].core).__name__ == "Recurrent"
        assert model.hparams["cell"] == "gru"
        for name, tensor in model.state_dict().items():
            assert torch.equal(tensor, content["state_dict"][name])
    assert content["hyper_parameters"]["ensemble"] == 2
    assert content["version"] == lstm_lab.__version__


def test_a_run_is_found_by_directory_id_and_latest(train, outputs):
    one, two = train("data=sine"), train("data=sine", "seed=1")
    first = predictor.load(str(one.path)).checkpoint()["state_dict"]
    for name in (one.path.name, one.path.name.rsplit("-", 1)[-1], one.best):
        again = predictor.load(name).checkpoint()["state_dict"]
        assert all(torch.equal(again[key], first[key]) for key in first)
    latest = predictor.load().checkpoint()["state_dict"]
    assert not all(torch.equal(latest[key], first[key]) for key in first)
    assert (outputs / "runs" / "latest").resolve() == two.path


def test_predict_writes_what_it_prints(train, monthly, tmp_path, capsys):
    path = monthly()
    ran = train("data=csv", f"data.path={path}", "data.horizon=6")
    capsys.readouterr()
    assert predict.main([f"run={ran.path}", "out=" + str(tmp_path / "here")]) == 0
    said = capsys.readouterr().out
    table = pd.read_csv(tmp_path / "here" / "forecast.csv", index_col="time", parse_dates=True)
    assert list(table.index) == list(pd.date_range("2007-01", periods=6, freq="MS"))
    assert (table["lower"] < table["forecast"]).all()
    assert (table["forecast"] < table["upper"]).all()
    assert f"{table['forecast'].iloc[0]:.2f}" in said
    assert (tmp_path / "here" / "forecast.png").stat().st_size > 10_000
    # A new file: the forecast goes on from its end.
    longer = pd.read_csv(path)
    longer = longer.iloc[:60]
    longer.to_csv(tmp_path / "new.csv", index=False)
    assert predict.main([f"run={ran.path}", f"path={tmp_path / 'new.csv'}"]) == 0
    new = pd.read_csv(ran.path / "forecast.csv", index_col="time", parse_dates=True)
    assert new.index[0] == pd.Timestamp("2006-01-01")
    assert not np.allclose(new["forecast"], table["forecast"])


def test_evaluate_follows_a_file_that_has_moved(train, monthly, tmp_path, capsys):
    path = monthly()
    ran = train("data=csv", f"data.path={path}", "data.horizon=6")
    shutil.move(path, tmp_path / "moved.csv")
    capsys.readouterr()
    assert evaluate.main(["run=latest"]) == 2
    error = capsys.readouterr().err
    assert "no such file" in error
    assert len(error.strip().splitlines()) == 1
    assert evaluate.main(["run=latest", f"data.path={tmp_path / 'moved.csv'}"]) == 0
    assert f"{ran.metrics['metrics']['test/rmse']:.4g}" in capsys.readouterr().out


WRONG = {
    "run=nothing": "no such run",
    "rnu=latest": "Did you mean 'run'",
    "latest": "not of the form",
}


@pytest.mark.parametrize("door", [evaluate, predict], ids=lambda door: door.__name__)
@pytest.mark.parametrize(("word", "told"), WRONG.items(), ids=list(WRONG))
def test_a_wrong_word_at_the_other_doors_is_one_line(door, word, told, outputs, capsys):
    assert door.main([word]) == 2
    shown = capsys.readouterr()
    assert told in shown.err
    assert len(shown.err.strip().splitlines()) == 1
    assert shown.out == ""


def test_nothing_trained_yet_is_said(outputs, capsys):
    for door in (evaluate, predict):
        assert door.main([]) == 2
        assert "Train one first" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_one_line(train, capsys):
    ran = train("data=sine")
    ran.best.write_bytes(ran.best.read_bytes()[:-100])
    capsys.readouterr()
    for door in (evaluate, predict):
        assert door.main(["run=latest"]) == 2
        error = capsys.readouterr().err
        assert "best.ckpt" in error
        assert len(error.strip().splitlines()) == 1
