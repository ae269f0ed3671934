"""Journals that were torn, locks that were orphaned, passwords that must not show."""

import multiprocessing
import os
import signal
import time

import optuna
import pytest

from lstm_lab.errors import UserError
from lstm_lab.sweeps.storage import (
    ProcessLock,
    claim_lock,
    journal_path,
    masked,
    open_storage,
    repair_journal,
    shown,
)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgresql://me:secret@host/db", "postgresql://me:***@host/db"),
        ("postgresql+psycopg://me:p@ss@host:5432/db", "postgresql+psycopg://me:***@host:5432/db"),
        ("x.storage=mysql://u:pw@h/d y=1", "x.storage=mysql://u:***@h/d y=1"),
        ("sqlite:////tmp/a.db", "sqlite:////tmp/a.db"),
        ("postgresql://h/d?user=u&password=pw&x=1", "postgresql://h/d?user=u&password=***&x=1"),
    ],
)
def test_passwords_are_hidden(text, hidden):
    assert masked(text) == hidden


def test_an_address_that_fails_does_not_show_its_password():
    with pytest.raises(UserError) as caught:
        open_storage("nosuchdb://me:secret@host/db")
    assert "secret" not in str(caught.value)
    assert shown({"_target_": "x", "url": "mysql://u:secret@h/d"}).count("secret") == 0


def test_what_is_a_journal():
    assert str(journal_path("a/b.journal")) == "a/b.journal"
    assert str(journal_path("journal:///tmp/b.log")) == "/tmp/b.log"
    assert journal_path("sqlite:///a.db") is None


def new_study(path):
    return optuna.create_study(study_name="s", storage=open_storage(str(path)), load_if_exists=True)


def test_a_torn_last_line_is_cut_off_with_one_warning(tmp_path):
    path = tmp_path / "s.journal"
    new_study(path).add_trial(optuna.create_trial(value=1.0))
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"op_code": 4, "worker_id"')
    with pytest.warns(UserWarning, match="torn") as caught:
        study = new_study(path)
    assert len(caught) == 1
    study.add_trial(optuna.create_trial(value=2.0))
    assert [trial.value for trial in new_study(path).trials] == [1.0, 2.0]


def test_a_line_that_lacks_only_its_end_is_kept(tmp_path):
    path = tmp_path / "s.journal"
    new_study(path).add_trial(optuna.create_trial(value=1.0))
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert not repair_journal(path)
    new_study(path).add_trial(optuna.create_trial(value=2.0))
    assert [trial.value for trial in new_study(path).trials] == [1.0, 2.0]


def test_an_empty_journal_is_fine(tmp_path):
    path = tmp_path / "s.journal"
    path.touch()
    assert not repair_journal(path)
    assert new_study(path).trials == []


def _hold(path, held):
    ProcessLock(path).acquire()
    held.set()
    time.sleep(600)


def test_a_lock_whose_holder_was_killed_is_free_at_once(tmp_path):
    held = multiprocessing.Event()
    holder = multiprocessing.get_context("fork").Process(target=_hold, args=(tmp_path / "l", held))
    holder.start()
    assert held.wait(300)
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    with ProcessLock(tmp_path / "l").held():  # or this waits for ever
        pass


def _open_many(address, barrier, failures):
    barrier.wait()
    try:
        optuna.create_study(study_name="s", storage=open_storage(address), load_if_exists=True)
    except Exception as error:
        failures.put(str(error))


@pytest.mark.parametrize("kind", ["sqlite:///{}/s.db", "{}/s.journal"])
def test_four_processes_may_open_a_fresh_storage_at_once(tmp_path, kind):
    context = multiprocessing.get_context("fork")
    barrier, failures = context.Barrier(4), context.SimpleQueue()
    address = kind.format(tmp_path)
    workers = [context.Process(target=_open_many, args=(address, barrier, failures)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures.empty(), failures.get()


def test_claims_exclude_each_other(tmp_path):
    address = str(tmp_path / "s.journal")
    order = []
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()

    def other():
        with claim_lock(address, "s"):
            queue.put("other")

    with claim_lock(address, "s"):
        process = context.Process(target=other)
        process.start()
        time.sleep(0.2)
        order.append("me")
        assert queue.empty()
    process.join()
    assert queue.get() == "other"
