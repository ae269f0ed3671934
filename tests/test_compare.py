"""Two runs side by side, and those that may not stand there."""

import json

import pytest

from lstm_lab.compare import main


@pytest.fixture
def scored(outputs):
    """Writes run directories as a run leaves them: their settings and how their test was scored."""

    def write(name, protocol):
        folder = outputs / "runs" / name
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text("seed: 0\n")
        (folder / "metrics.json").write_text(
            json.dumps({"metrics": {"test/rmse": 3.5}, "protocol": protocol})
        )
        (folder / "events.jsonl").touch()
        return name

    return write


def test_numbers_of_different_protocols_are_refused_in_one_line(scored, capsys):
    first = scored("first", "12 steps from one origin")
    second = scored("second", "1 step(s) ahead from 36 origins")
    assert main([f"run={first},{second}"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert "first: 12 steps from one origin | second: 1 step(s) ahead from 36 origins" in shown.err


def test_costs_of_different_protocols_are_refused_as_well(scored, capsys):
    names = [scored("first", "12 steps from one origin"), scored("second", "1 step ahead")]
    assert main([f"run={','.join(names)}", "cost=true"]) == 2
    assert "different protocols" in capsys.readouterr().err


def test_numbers_of_one_protocol_are_shown(scored, capsys):
    names = [scored(name, "12 steps from one origin") for name in ("first", "second")]
    assert main([f"run={','.join(names)}"]) == 0
    assert "numbers" in capsys.readouterr().out


def test_two_runs_are_needed(outputs, capsys):
    assert main(["run=latest"]) == 2
    assert "compare needs two runs" in capsys.readouterr().err
