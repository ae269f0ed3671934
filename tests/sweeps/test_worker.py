"""Joining a sweep with nothing but its directory."""

import json
import threading
import time

import pytest

from lstm_lab.errors import UserError
from lstm_lab.sweeps.worker import how_to_join, join, join_by_words


@pytest.mark.slow
def test_a_worker_shares_the_trials_of_a_sweep(app):
    hold = app.hold()
    process = app.start("x=range(0,8)", "sleep=hold")
    marker = app.study_directory / "study.json"
    while not marker.exists():
        assert process.poll() is None
        time.sleep(0.02)

    def let_go():  # once both are at work
        while len(list(app.study_directory.glob("*/.trial/lease.json"))) < 3:
            time.sleep(0.02)
        hold.unlink()

    threading.Thread(target=let_go, daemon=True).start()
    assert join(app.study_directory, n_jobs=2) == 0
    assert process.wait(timeout=300) == 0
    process.communicate()
    assert app.states() == ["COMPLETE"] * 8
    assert len({trial.user_attrs["lstm_lab:owner"] for trial in app.study().trials}) == 2


def test_a_password_has_to_be_given_again(tmp_path):
    command = [
        "python",
        "toy.py",
        "-m",
        "x=1,2",
        "hydra.sweeper.storage=postgresql://me:***@host/db",
        "hydra.sweep.dir=a",
    ]
    facts = {
        "study": "s",
        "storage": "postgresql://me:***@host/db",
        "command": command,
        "folder": str(tmp_path),
    }
    (tmp_path / "study.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="storage="):
        how_to_join(tmp_path)
    joining = how_to_join(tmp_path, storage="postgresql://me:pw@host/db")
    assert joining.command[1:] == [
        "toy.py",
        "-m",
        "x=1,2",
        f"hydra.sweep.dir='{tmp_path}'",
        "hydra.sweeper.storage='postgresql://me:pw@host/db'",
    ]


def test_no_such_sweep(tmp_path):
    (tmp_path / "airline").mkdir()
    (tmp_path / "airline" / "study.json").write_text("{}")
    with pytest.raises(UserError, match="Did you mean 'airline'"):
        join_by_words({"study": "airlne"}, [tmp_path])
