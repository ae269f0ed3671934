"""The leaderboard's own runs: made once, gone on with after kill -9, and the numbers of the table are theirs."""

import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from lstm_lab.leaderboard import main
from lstm_lab.tracking import lease

WORDS = [
    "data=sine",
    "data.points=120",
    "tracking=off",
    "threads=1",
    "fit.save_every=0.1",
    "model.hidden_size=8",
]
pytestmark = pytest.mark.slow


def runs(outputs):
    return sorted(
        path.parent for path in (outputs / "runs").glob("*/config.yaml") if path.parent.name != "latest"
    )


def test_killed_it_goes_on_where_it_was(outputs, capsys):
    words = [*WORDS, "model=rnn", "fit.max_steps=1500", "early_stopping.patience=0", "seeds=2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "lstm_lab.leaderboard", *words], stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 240
    while not list((outputs / "runs").glob("*/checkpoints/last.ckpt")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    (first,) = runs(outputs)
    while lease.is_alive(first):  # its child ends with it
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not (first / "metrics.json").exists()

    assert main(words) == 0
    assert "2 runs, 0 made before" in capsys.readouterr().out
    assert len(runs(outputs)) == 2
    (home,) = (outputs / "leaderboards").iterdir()
    table = pd.read_csv(home / "runs.csv")
    assert table.loc[0, "run"] == str(first)
    assert pd.isna(table.loc[0, "seconds"]), "nobody knows how long both parts took"
    assert table.loc[1, "seconds"] > 0
    assert (table["memory_mb"] > 50).all()


def test_what_is_there_is_taken_and_what_is_missing_is_made(outputs, capsys):
    words = [*WORDS, "model=rnn,mingru", "fit.max_steps=16"]
    assert main([*words, "seeds=2"]) == 0
    assert "4 runs, 0 made before" in capsys.readouterr().out
    made = runs(outputs)
    assert main([*words, "seeds=0,1,5", "jobs=2"]) == 0
    shown = capsys.readouterr().out
    assert "6 runs, 4 made before" in shown
    assert set(made) < set(runs(outputs))
    home = max((outputs / "leaderboards").iterdir(), key=lambda path: path.stat().st_mtime)
    table, seeds = pd.read_csv(home / "leaderboard.csv", index_col="name"), pd.read_csv(home / "runs.csv")
    for model in ("rnn", "mingru"):
        own = seeds[seeds["model"] == model]
        assert own["seed"].tolist() == [0, 1, 5]
        numbers = []
        for run in own["run"]:
            with open(f"{run}/metrics.json") as file:
                numbers.append(json.load(file)["metrics"]["test/mae"])
        assert table.loc[model, "mean"] == pytest.approx(sum(numbers) / 3, rel=1e-12)
    assert table.loc["rnn", "parameters"] == 8 * (1 + 8 + 2) + 8 + 1
    assert "naive" in table.index

    capsys.readouterr()
    assert main([*WORDS, "model=rnn", "seeds=2", "fit.max_steps=16", "optim.lr=1e30"]) == 2
    assert "all runs failed" in capsys.readouterr().err
    assert main([*WORDS, "model=rnn", "seeds=2", "fit.max_steps=16", "optim.lr=1e30"]) == 2
    assert "2 runs, 2 made before" in capsys.readouterr().out
