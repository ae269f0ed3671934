"""A leaderboard over run directories: its numbers, its refusals, and which runs it takes for its own."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from lstm_lab.errors import UserError
from lstm_lab.leaderboard import main
from lstm_lab.ranking import rank_runs
from lstm_lab.ranking.entries import Entry, find_earlier
from lstm_lab.ranking.scores import Score
from lstm_lab.ranking.table import build_table, explain, seed_table, shown_table

ACCURACY = {
    "lstm": [91.0, 93.0, 90.0, 94.0],
    "gru": [90.0, 89.5, 90.5, 91.0],
    "rnn": [60.0, 75.0, 50.0, 66.0],
}
BASELINES = {"naive Bayes": {"accuracy": 77.5, "f1": 70.0}, "majority": {"accuracy": 50.0, "f1": 33.0}}


def write_run(outputs, model, seed, value, digest="d1", protocol="1,000 test samples, scored once", **more):
    settings = {
        "model": {"cell": model, "hidden_size": 16},
        "data": {"name": "made"},
        "task": {"direction": "maximize"},
        "fit": {"max_steps": 5, "save_every": 60.0},
        "seed": seed,
        "tracking": {"enabled": True},
        **more,
    }
    run = outputs / "runs" / f"20260101-00000{seed}-{model}-made-{model[:2]}{seed}{digest}"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text(yaml.safe_dump(settings))
    (run / "status.json").write_text(json.dumps({"status": "FINISHED", "reason": None}))
    facts = {
        "metrics": {"test/accuracy": value, "test/f1": value - 1, "test/loss": 1.0},
        "baselines": BASELINES,
        "protocol": protocol,
        "validation": {"val/accuracy": 0.9},
        "data": {"name": "made", "size": 10, "digest": digest},
        "seconds": 10.0 + seed,
    }
    (run / "metrics.json").write_text(json.dumps(facts))
    return run


@pytest.fixture
def runs(outputs):
    return [
        write_run(outputs, model, seed, value)
        for model, values in ACCURACY.items()
        for seed, value in enumerate(values)
    ]


def test_numbers_equal_those_counted_from_the_files(runs):
    board = rank_runs([str(run) for run in runs])
    table = board.table
    assert list(table.index) == ["lstm", "gru", "naive Bayes", "rnn", "majority"]
    values = {}
    for run in runs:  # once more, without the package
        model = run.name.split("-")[2]
        values.setdefault(model, []).append(json.loads((run / "metrics.json").read_text())["metrics"])
    for model, metrics in values.items():
        numbers = np.array([one["test/accuracy"] for one in metrics])
        assert table.loc[model, "mean"] == numbers.mean()
        assert table.loc[model, "deviation"] == pytest.approx(numbers.std(ddof=1))
        assert (
            numbers.min()
            <= table.loc[model, "low"]
            < numbers.mean()
            < table.loc[model, "high"]
            <= numbers.max()
        )
        assert table.loc[model, "difference"] == pytest.approx(numbers.mean() - 92.0) or model == "lstm"
    raw = [stats.ttest_rel(ACCURACY[name], ACCURACY["lstm"]).pvalue for name in ("gru", "rnn")]
    smaller, larger = sorted(raw)
    corrected = {smaller: 2 * smaller, larger: max(larger, 2 * smaller)}
    for name, p in zip(("gru", "rnn"), raw, strict=True):
        assert table.loc[name, "p_t"] == pytest.approx(corrected[p])
    assert table.loc["rnn", "p_exact"] == pytest.approx(0.25)  # two comparisons at best 2 / 2^4 each
    assert pd.isna(table.loc["lstm", "p_t"])
    assert table.loc["gru", "seconds"] == 11.5
    assert (table["kind"] == "baseline").sum() == 2


def test_it_is_written_down(runs):
    board = rank_runs([str(run) for run in runs])
    again = pd.read_csv(board.directory / "leaderboard.csv", index_col="name")
    pd.testing.assert_series_equal(again["mean"], board.table["mean"].astype(float), check_names=False)
    assert len(pd.read_csv(board.directory / "runs.csv")) == 12
    text = (board.directory / "leaderboard.md").read_text()
    assert "| lstm | 92 | 90.5 to 93.5 |" in text
    assert "protocol: 1,000 test samples, scored once" in text
    assert "cannot fall below 0.25 here" in text
    assert (board.directory / "figures" / "leaderboard.png").stat().st_size > 5000


def test_another_number_can_be_compared(runs):
    board = rank_runs([str(run) for run in runs], metric="f1")
    assert board.table.loc["lstm", "mean"] == 91.0
    assert board.table.loc["majority", "mean"] == 33.0
    least = rank_runs([str(run) for run in runs], metric="test/f1", direction="minimize")
    assert least.table.index[0] == "majority"
    assert least.table.loc["lstm", "difference"] > 0
    with pytest.raises(UserError, match="Did you mean 'accuracy'"):
        rank_runs([str(run) for run in runs], metric="acuracy")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"digest": "d2"}, "runs on different data do not stand in one table: made d1 .* and made d2"),
        ({"protocol": "500 test samples"}, "different protocols do not stand in one table"),
        ({"fit": {"max_steps": 6, "save_every": 60.0}}, "different settings are no seeds of one model"),
    ],
)
def test_what_was_not_measured_alike_is_refused_in_one_line(outputs, capsys, change, words):
    names = [str(write_run(outputs, "gru", seed, 90.0 + seed)) for seed in range(2)]
    names += [str(write_run(outputs, "lstm", 0, 92.0)), str(write_run(outputs, "lstm", 1, 91.0, **change))]
    assert main([f"run={','.join(names)}"]) == 2
    told = capsys.readouterr().err
    assert re.search(words, told)
    assert told.count("\n") == 1
    assert not (outputs / "leaderboards").exists()


def test_a_seed_may_have_its_own_data_if_all_models_see_it(outputs):
    names = [
        str(write_run(outputs, model, seed, 90.0 + seed, digest=f"d{seed}"))
        for model in ("gru", "lstm")
        for seed in (0, 1)
    ]
    board = rank_runs(names)
    assert len(board.runs) == 4
    assert "each seed draws data of its own, the same for all models" in board.notes


def scores(failed):
    return [
        Score(
            model,
            seed,
            None,
            failure="training diverged" if (model, seed) in failed else "",
            metrics={} if (model, seed) in failed else {"accuracy": value},
            deciding="accuracy",
            baselines=BASELINES,
        )
        for model, values in ACCURACY.items()
        for seed, value in enumerate(values)
    ]


def test_a_failed_seed_is_flagged_and_never_averaged_away():
    given = scores({("lstm", 2)})
    table = build_table(given, "accuracy", larger=True)
    assert table.index[-1] == "lstm"
    assert table.loc["lstm", ["mean", "low", "high", "p_t", "difference"]].isna().all()
    assert table.loc["lstm", "failed"] == "seed 2: training diverged"
    assert table.loc["lstm", "seeds"] == 3
    assert pd.isna(table.loc["gru", "p_t"]), "the best of those that did not fail"
    assert shown_table(table, "accuracy").loc["lstm", "accuracy"] == "failed"
    assert "lstm failed and has no mean: seed 2: training diverged" in explain(table, 4, True)
    assert seed_table(given, "accuracy").query("failed != ''")["model"].tolist() == ["lstm"]


def test_a_number_that_is_none_is_a_failure_too():
    given = scores(set())
    given[0].metrics["accuracy"] = float("nan")
    assert build_table(given, "accuracy", larger=True).loc["lstm", "failed"] == "seed 0: no number"


def entry(run, **changes):
    settings = yaml.safe_load((run / "config.yaml").read_text())
    return Entry("gru", settings["seed"], [], {**settings, **changes})


def test_a_finished_run_is_taken_only_for_the_same_question(outputs):
    run = write_run(outputs, "gru", 1, 90.0)
    same = lambda _: "d1"  # noqa: E731
    assert find_earlier(entry(run), same).directory == run
    assert find_earlier(entry(run), same).state == "finished"
    assert find_earlier(entry(run, tracking={"enabled": False}), same) is not None, "changes no number"
    assert find_earlier(entry(run, seed=2), same) is None
    assert find_earlier(entry(run, fit={"max_steps": 9, "save_every": 60.0}), same) is None
    assert find_earlier(entry(run), lambda _: "d2") is None, "the data are others now"
    assert find_earlier(entry(run, new_key=None), same) is not None, "a key that came into the house later"
    asked = Entry("gru", 1, ["new_key=3"], entry(run, new_key=3).settings)
    assert find_earlier(asked, same) is None, "a later key that the words name"


def test_what_diverged_counts_and_what_was_killed_does_not(outputs):
    run = write_run(outputs, "gru", 1, 90.0)
    (run / "metrics.json").unlink()
    for status, reason, state in (
        ("FAILED", "DivergedError: val/accuracy was not finite", "diverged"),
        ("FAILED", "MemoryError: ", None),
        ("KILLED", "SIGTERM", None),
    ):
        (run / "status.json").write_text(json.dumps({"status": status, "reason": reason}))
        found = find_earlier(entry(run), lambda _: "d1")
        assert (found.state if found else None) == state
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "last.ckpt").touch()
    assert find_earlier(entry(run), lambda _: "d1").state == "unfinished"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["model=rnn,lstm", "seeds=1"], "an interval needs two or more seeds"),
        (["model=rnn,lstm", "seeds=2,2"], "names one twice"),
        (["model=rnn,lstm", "seeds=few"], "must be a whole number"),
        (["model=rnn,lstm", "seed=3"], "but not seed=3"),
        (["model=rnn,lstm", "-m"], "but not -m"),
        (["model=rnn,rnn"], "names rnn twice"),
        ([], "which models?"),
        (["model=rnn,lstn"], "Did you mean 'lstm'"),
        (["model=rnn", "modle.hidden_size=3"], "Did you mean 'model.hidden_size'"),
        (["model=rnn", "jobs=0"], "jobs=0"),
        (["model=rnn", "direction=up"], "Allowed: minimize, maximize"),
        (["run=a", "model=rnn"], "leave the words of a training"),
        (["run=nothing"], "no such run"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(outputs, capsys, words, told):
    assert main(words) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not outputs.exists()


def test_one_seed_of_a_model_gives_no_interval(outputs):
    names = [str(write_run(outputs, "gru", seed, 90.0)) for seed in (0, 1)]
    names.append(str(write_run(outputs, "lstm", 0, 90.0)))
    with pytest.raises(UserError, match="two or more seeds of lstm"):
        rank_runs(names)
