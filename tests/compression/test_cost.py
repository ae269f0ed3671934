"""What a model costs: a row a model, whose numbers are those of its own file and its own test."""

import json
import subprocess
import sys

import pytest
import torch

from lstm_lab.compare import main as compare
from lstm_lab.compression import cost
from lstm_lab.paths import find_run
from lstm_lab.train import main as train

SHORT = ["data=keywords", "frontend.size=8", "fit.max_steps=10", "fit.validate_every=10", "tracking=off"]


@pytest.fixture
def runs(outputs, monkeypatch):
    monkeypatch.setattr(cost, "ROUNDS", 100)
    made = []
    for words in (["model=lstm", "model.hidden_size=64"], ["model=rnn", "model.hidden_size=8"]):
        assert train([*SHORT, *words]) == 0
        made.append(find_run("latest"))
    return made


@pytest.mark.slow
def test_one_table_of_size_time_memory_and_metric(runs, tmp_path, capsys):
    capsys.readouterr()
    file = tmp_path / "cost.json"
    assert compare([f"run={','.join(run.name for run in runs)}", "cost=true", f"out={file}"]) == 0
    told = capsys.readouterr().out
    rows = json.loads(file.read_text())
    assert [row["what"] for row in rows] == ["lstm 64", "lstm 64, int8", "rnn 8"]
    assert f"left out: {runs[1].name[-6:]} rnn 8, int8 (quantize=int8: torch has no eight-bit kernel" in told
    assert rows[2]["bytes"] < rows[1]["bytes"] < 0.6 * rows[0]["bytes"]
    for row, run in zip(rows[::2], runs, strict=True):
        truth = json.loads((run / "metrics.json").read_text())["metrics"]["test/accuracy"]
        assert row["accuracy %"] == pytest.approx(truth)
        for times in row["milliseconds"].values():
            assert 0 < times[0] <= times[1]
        assert row["peak_megabytes"] >= 0


@pytest.mark.slow
def test_a_translator_has_no_file_and_is_told_in_one_line(outputs, capsys):
    words = [
        "data=reverse",
        "model=seq2seq",
        "model.hidden_size=4",
        "fit.max_steps=2",
        "fit.validate_every=2",
    ]
    assert train([*words, "tracking=off"]) == 0
    capsys.readouterr()
    assert compare(["cost=true"]) == 2
    told = capsys.readouterr().err.strip()
    assert "a search over sentences" in told
    assert "\n" not in told


def test_shares_and_changes_are_of_the_first_row():
    times = {1: (0.5, 0.75), 32: (4.0, 6.0)}
    first = cost.Cost("aaa", "lstm 64", 200_000, times, 12.3, "accuracy %", 80.0)
    second = cost.Cost("aaa", "lstm 64, int8", 50_000, times, 9.9, "accuracy %", 79.0)
    titles, rows = cost.rows_of([first, second])
    assert titles[-2] == "accuracy %"
    assert rows[1] == [
        *("aaa", "lstm 64, int8", "50", "25.0%", "0.50 / 0.75", "4.00 / 6.00", "9.9", "79", "-1.25%")
    ]


@pytest.mark.slow
def test_the_peak_is_that_of_the_question(tmp_path):
    class Wide(torch.nn.Module):
        def forward(self, x):
            return (x[:, None] * x).sum(1)  # (N, N) on the way

    torch.jit.trace(Wide(), torch.ones(3)).save(str(tmp_path / "model.pt"))
    taken = []
    for size in (8, 4000):
        torch.save([torch.ones(size)], tmp_path / "question.pt")
        words = [sys.executable, "-I", cost.__file__.replace("cost.py", "peak.py")]
        done = subprocess.run(
            [*words, str(tmp_path / "model.pt"), str(tmp_path / "question.pt")],
            capture_output=True,
            text=True,
            check=True,
        )
        taken.append(float(done.stdout))
    assert 60 < taken[1] - taken[0] < 140  # 4000² floats are 64 MB
