"""What a user's mistake looks like: one line, exit code 2, nothing written, no torch."""

import importlib
import subprocess
import sys
import time

import pytest

from lstm_lab.__main__ import commands
from lstm_lab.doors import answer, check_sweep, compose_config, words
from lstm_lab.errors import UserError
from lstm_lab.train import main

MISTAKES = {
    "modle=lstm": "Did you mean 'model'",
    "model=lsmt": "Did you mean 'lstm'",
    "data=airlines": "Did you mean 'airline'",
    "optim=adan": "Did you mean 'adam'",
    "model.hiden_size=3": "Did you mean 'model.hidden_size'",
    "+model.hiden_size=3": "Did you mean 'model.hidden_size'",
    "+typo=1": "there is no key 'typo'",
    "++typo.deep=1": "there is no key 'typo.deep'",
    "hidden_size=3": "model.hidden_size",
    "optim.lr=fast": "optim.lr must be a number",
    "model.num_layers=1.5": "must be a whole number",
    "model.bidirectional=3": "must be true or false",
    "seed=[1,2]": "seed must be a whole number",
    "model=lstm,gru": "add -m",
    "optim.lr=interval(0.1,1)": "add -m",
    "model=lstm(": "cannot be read",
    "horizon": "A word is key=value",
    "airline": "Did you mean data=airline?",
}


@pytest.mark.parametrize(("word", "told"), MISTAKES.items(), ids=list(MISTAKES))
def test_a_mistake_is_one_line(word, told, capsys, outputs):
    assert main([word]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.strip().splitlines()) == 1
    assert told in shown.err
    assert not outputs.exists()


IMPOSSIBLE = {
    "data.horizon=0": "data.horizon=0 is too small",
    "model.hidden_size=0": "at least 1",
    "data.lookback=200": "does not fit into",
    "data.horizon=141": "less than one horizon",
    "data=csv": "data.path",
    "fit.max_steps=0": "fit.max_steps=0",
    "optim.schedule=up": "optim.schedule=up",
    "trainer=gpu": "no GPU",
    "data.season=200": "data.season=200 needs",
    "task.interval=2": "task.interval",
    "frontend=cnn": "frontend=cnn: a forecast reads its rows",
    "task=classify": "this task asks for a class, airline gives a horizon",
}


@pytest.mark.parametrize(("word", "told"), IMPOSSIBLE.items(), ids=list(IMPOSSIBLE))
def test_what_cannot_be_is_told_before_anything_is_written(word, told, capsys, outputs):
    if word == "trainer=gpu":
        import torch

        if torch.cuda.is_available():
            pytest.skip("there is a GPU")
    assert main([word, "tracking=off"]) == 2
    shown = capsys.readouterr()
    assert told in shown.err
    assert len(shown.err.strip().splitlines()) == 1
    assert not outputs.exists()


def test_a_store_of_no_known_kind_is_told_before_anything_is_written(capsys, outputs):
    assert main(["tracking.uri=ftp://x"]) == 2
    assert "The scheme of tracking.uri=ftp is not known" in capsys.readouterr().err
    assert not outputs.exists()


def test_right_words_compose():
    config = compose_config(["model=gru", "model.hidden_size=[64,32]", "seed=7", "optim.lr=1"])
    assert (config.model.cell, config.model.hidden_size, config.seed, config.optim.lr) == (
        "gru",
        [64, 32],
        7,
        1,
    )


def test_a_sweep_is_checked_before_its_first_trial():
    check_sweep(
        ["model=lstm,gru", "optim.lr=tag(log, interval(1e-4,1e-1))", "model.hidden_size=choice(8,16)"]
    )
    with pytest.raises(UserError, match="Did you mean 'lstm'"):
        check_sweep(["model=gru,lsmt"])
    with pytest.raises(UserError, match="Did you mean 'n_trials'"):
        check_sweep(["optim.lr=interval(0.1,1)", "hydra.sweeper.n_trails=3"])
    with pytest.raises(UserError, match="search=lstm_airline is for data=airline"):
        check_sweep(["search=lstm_airline", "data=sine"])
    with pytest.raises(UserError, match=r"Did you mean 'optim\.lr'"):
        check_sweep(["optim.rl=interval(0,1)"])


def test_ctrl_c_is_one_line(capsys):
    def command(argv):
        raise KeyboardInterrupt

    assert answer(command, []) == 130
    assert capsys.readouterr().err == "lstm_lab: interrupted\n"


def test_simple_doors_know_their_words():
    assert words(["run=x"], {"run": "…"}, "evaluate") == {"run": "x"}
    with pytest.raises(UserError, match="Did you mean 'run'"):
        words(["rnu=x"], {"run": "…"}, "evaluate")


@pytest.mark.parametrize("argv", [["--help"], ["modle=lstm"]], ids=["help", "typo"])
def test_help_and_typos_answer_without_torch(argv, tmp_path):
    code = (
        "import sys; from lstm_lab.train import main\n"
        "try: status = main(sys.argv[1:])\n"
        "except SystemExit as end: status = end.code\n"
        "assert not {'torch', 'lightning', 'mlflow', 'optuna'} & set(sys.modules), 'heavy import'\n"
        "sys.exit(status)"
    )
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *argv], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert done.returncode == (0 if argv == ["--help"] else 2), done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert (
        time.perf_counter() - started < 30
    )  # the measured figure lives in benchmarks/; this only catches a hang


@pytest.mark.parametrize("name", commands())
def test_every_door_tells_how_it_is_used(name, capsys):
    try:
        code = importlib.import_module(f"lstm_lab.{name}").main(["--help"])
    except SystemExit as leave:
        code = leave.code
    assert code in (0, None)
    told = capsys.readouterr()
    assert told.err == ""
    assert f"lstm_lab.{name}" in told.out
