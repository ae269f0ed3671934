"""``python -m lstm_lab.reproduce`` runs a record again and says whether the numbers are the same."""

import json

from lstm_lab.reproduce import main


def test_the_same_numbers_again(train, capsys):
    ran = train("seed=3")
    assert main([f"run={ran.path}"]) == 0
    assert "reproduced: no number differs" in capsys.readouterr().out


def test_a_number_that_differs_is_told(train, capsys):
    ran = train("seed=3")
    found = ran.metrics
    found["metrics"]["test/rmse"] *= 1.01
    (ran.path / "metrics.json").write_text(json.dumps(found))
    assert main([f"run={ran.path}"]) == 1
    assert "not reproduced" in capsys.readouterr().err


def test_a_wrong_word_is_one_line(capsys):
    assert main(["rnu=latest"]) == 2
    assert "Did you mean 'run'" in capsys.readouterr().err
