"""Reading step by step through the door: files and pipes, a line after each step, one line for a mistake."""

import io
import sys

import pandas as pd
import pytest

from lstm_lab import predict, train

TINY = ["tracking=off", "fit.max_steps=2", "fit.validate_every=2", "model.hidden_size=4", "ensemble=1"]


def pipe(monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_text_comes_through_a_pipe(outputs, monkeypatch, capsys):
    assert (
        train.main(["data=motifs", "task.crf=false", "task.channels=[]", "model.bidirectional=false", *TINY])
        == 0
    )
    capsys.readouterr()
    assert predict.main(["text=cdAefB"]) == 0
    whole = capsys.readouterr().out.split()[1]
    pipe(monkeypatch, "cdAefB\n\nBc\n")
    assert predict.main(["stream=true", "path=-"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[:2] for row in rows[:6]] == [[str(n), letter] for n, letter in enumerate("cdAefB", 1)]
    assert "".join(row[2] for row in rows[:6]) == whole
    assert rows[6] == [""]
    assert [row[0] for row in rows[7:]] == ["1", "2"]  # an empty line begins the next sequence
    mistakes = {
        "seconds of a piece": ["path=-", "stream=maybe"],
        "path=-": ["stream=true"],
        "cannot be read": ["stream=true", "path=no.txt"],
        "beam is not known": ["stream=true", "beam=2"],
    }
    for told, words in mistakes.items():
        assert predict.main(words) == 2
        assert told in capsys.readouterr().err


@pytest.mark.parametrize("header", ["Month,Passengers\n", ""])
def test_a_forecast_after_each_row_of_a_file(outputs, monkeypatch, capsys, header, tmp_path):
    assert train.main(["data=airline", *TINY]) == 0
    months = pd.date_range("1955-01", periods=40, freq="MS")
    lines = [f"{month:%Y-%m},{300 + number}" for number, month in enumerate(months)]
    (tmp_path / "new.csv").write_text("Month,Passengers\n" + "\n".join(lines) + "\n")
    capsys.readouterr()
    assert predict.main(["path=new.csv", "steps=36"]) == 0
    whole = pd.read_csv(outputs / "runs" / "latest" / "forecast.csv")["forecast"]
    pipe(monkeypatch, header + "\n".join(lines))
    capsys.readouterr()
    assert predict.main(["stream=true", "path=-"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 40
    assert rows[-1][0] == "1958-04"
    assert [float(cell) for cell in rows[-1][1].split()] == pytest.approx(whole.tolist(), rel=1e-3)
    pipe(monkeypatch, header + lines[0] + "\n" + lines[2])
    assert predict.main(["stream=true", "path=-"]) == 2
    assert "was next (MS)" in capsys.readouterr().err
