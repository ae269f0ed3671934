"""Runs side by side, read from their directories."""

import json
import time

import pytest

from lstm_lab import compare as compare_door
from lstm_lab import runs as runs_door
from lstm_lab import sync as sync_door
from lstm_lab import ui as ui_door
from lstm_lab.tracking import tables
from lstm_lab.tracking.events import EVENTS


@pytest.fixture
def finished(start):
    """Makes a finished run that wrote what an experiment writes."""

    def make(name, rmse=10.0, status="FINISHED", digest="d1", **given):
        run = start(name, uri="off", tags={"data": "airline", "model": "lstm"}, **given)
        run.log_input("airline", digest)
        run.log_metrics({"test/rmse": rmse}, 400)
        run.log_metrics({"system/cpu": 3.0}, 0)
        (run.directory / "config.yaml").write_text("")
        (run.directory / "checkpoints").mkdir()
        (run.directory / "checkpoints" / "best.ckpt").write_bytes(b"x" * 1000)
        facts = {
            "metrics": {"test/mae": 8.0, "test/rmse": rmse},
            "baselines": {"SARIMA": {"rmse": 16.0, "mae": 12.0}},
            "validation": {"val/rmse": 9.0, "steps": 400, "ended": "…"},
        }
        (run.directory / "metrics.json").write_text(json.dumps(facts))
        run.close(status, None if status == "FINISHED" else "broke")
        return run.directory

    return make


def age(directory, days):
    """Moves all events of a run into the past."""
    lines = [json.loads(line) for line in (directory / EVENTS).read_text().splitlines()]
    for line in lines:
        line["time"] -= int(days * 86_400_000)
    (directory / EVENTS).write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_the_table_shows_the_deciding_metric_beside_its_baseline(finished, start, tracked):
    finished("20260101-000000-lstm-airline-aaa111")
    time.sleep(1.1)
    start("20260101-000000-lstm-airline-bbb222", uri="off")
    table = tables.runs_table(tracked)
    assert list(table["id"]) == ["bbb222", "aaa111"]
    assert list(table["status"]) == ["RUNNING", "FINISHED"]
    row = table.iloc[1]
    assert (row["data"], row["model"], row["metric"]) == ("airline", "lstm", "test/rmse")
    assert (row["value"], row["baseline"]) == (10.0, 16.0)


def test_the_door_prints_and_filters(finished, capsys):
    assert runs_door.main([]) == 0
    assert "no such runs" in capsys.readouterr().out
    finished("x-aaa111")
    assert runs_door.main(["model=lstm"]) == 0
    assert "aaa111" in capsys.readouterr().out
    assert runs_door.main(["model=gru"]) == 0
    assert "aaa111" not in capsys.readouterr().out


def test_comparison_shows_differences_and_flags_other_data(finished, capsys):
    one = finished("a-1", 10.0, params={"lr": 0.1, "model": {"cell": "lstm"}})
    two = finished("b-2", 12.0, digest="d2", params={"lr": 0.2, "model": {"cell": "lstm"}})
    found = tables.compare(one, two)
    assert list(found.params.index) == ["lr"]
    assert list(found.metrics.loc["test/rmse"]) == [10.0, 12.0]
    assert "system/cpu" not in found.metrics.index
    assert "training data differ" in found.warnings[0]
    assert compare_door.main(["run=a-1,b-2"]) == 0
    said = capsys.readouterr().out
    assert "lr" in said
    assert "careful: the training data differ" in said
    assert "cell" not in said


def test_what_a_probe_adds_leaves_a_run_finished(finished, tracked):
    directory = finished("probed-1")
    age(directory, 40)
    later = {"time": time.time() * 1000, "kind": "artifact", "path": "figures/probe_gates.png", "folder": ""}
    with (directory / EVENTS).open("a") as file:
        file.writelines(json.dumps(later) + "\n" for _ in range(300))  # longer than what is read from the end
    assert list(tables.runs_table(tracked)["status"]) == ["FINISHED"]
    assert [one.path.name for one in tables.leftovers(tracked)] == ["checkpoints"]


def test_prune_takes_old_checkpoints_and_failures_only(finished, start, tracked, capsys, monkeypatch):
    young, old, failed = finished("young-1"), finished("old-2"), finished("failed-3", status="FAILED")
    running = start("running-4", uri="off").directory
    for directory in (old, failed, running):
        age(directory, 40)
    assert runs_door.main(["prune"]) == 2
    assert "add yes=true" in capsys.readouterr().err
    assert failed.is_dir()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert runs_door.main(["prune"]) == 0
    assert failed.is_dir()
    assert runs_door.main(["prune", "yes=true"]) == 0
    assert not failed.exists()
    assert not (old / "checkpoints").exists()
    assert (old / "metrics.json").is_file()
    assert (young / "checkpoints" / "best.ckpt").is_file()
    assert running.is_dir()


def test_prune_keeps_what_mlflow_has_not_received(finished, tracked):
    directory = finished("unsent-1", status="FAILED")
    age(directory, 40)
    assert len(tables.leftovers(tracked)) == 1
    (directory / "tracking.json").write_text(json.dumps({"uri": "http://x", "offset": 5}))
    assert tables.leftovers(tracked) == []


@pytest.mark.parametrize(
    ("door", "words", "said"),
    [
        (sync_door, ["rum=all"], "Did you mean 'run'?"),
        (sync_door, ["run=nothing"], "no such run"),
        (compare_door, ["run=a"], "two runs"),
        (runs_door, ["days=x"], "must be a whole number"),
        (ui_door, ["host=0.0.0.0"], "auth=true"),
        (ui_door, ["port=x"], "must be a number"),
        (ui_door, ["uri=http://127.0.0.1:5000"], "is a server already"),
    ],
)
def test_mistakes_are_one_line(door, words, said, tracked, capsys):
    words = ["prune", *words] if door is runs_door else words
    assert door.main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
