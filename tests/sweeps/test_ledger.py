"""The books of a study, without processes: claims, the dead of other machines, retries, resumption."""

import time

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from lstm_lab.sweeps.lease import Lease, boot_id
from lstm_lab.sweeps.ledger import SILENCE_SECONDS, Ledger, Outcome, enqueue
from lstm_lab.sweeps.space import read_space
from lstm_lab.sweeps.storage import open_storage


@pytest.fixture
def address(tmp_path):
    return str(tmp_path / "s.journal")


def ledger(address, n_trials=3, enumerated=False, max_retries=1, words=("x=interval(0,1)", "y=2")):
    study = optuna.create_study(study_name="s", storage=open_storage(address), load_if_exists=True)
    return Ledger(study, address, read_space({}, list(words)), n_trials, enumerated, max_retries)


def test_a_total_is_a_total_for_several_supervisors(address):
    one, other = ledger(address), ledger(address)
    claims = [one.claim(), other.claim(), one.claim()]
    assert [trial.number for trial in claims] == [0, 1, 2]
    assert one.claim() is None
    assert other.claim() is None
    assert claims[0].user_attrs["y"] == "2"


def test_a_failed_trial_counts_and_a_retried_one_does_not(address):
    books = ledger(address, n_trials=2)
    first = books.claim()
    x = first.suggest_float("x", 0, 1)
    assert books.close(first.number, Outcome("killed", reason="gone")).retried
    second = books.claim()
    assert second.suggest_float("x", 0, 1) == x
    record = books.close(second.number, Outcome("killed", reason="gone"))
    assert (record.state, record.retried, record.retry_of) == ("FAIL", False, 0)  # one retry is enough
    third = books.claim()
    books.close(third.number, Outcome("complete", values=(1.0,)))
    assert books.claim() is None
    assert books.is_done()
    assert [one.state for one in books.records()] == ["FAIL", "FAIL", "COMPLETE"]
    assert books.counted_failures() == 1


def foreign(host="elsewhere", boot="b", pid=1, started=1.0):
    return Lease(host, boot, pid, started)


@pytest.mark.parametrize(
    ("owner", "beat", "dead"),
    [
        (foreign(), None, True),
        (foreign(), SILENCE_SECONDS + 60, True),
        (foreign(), 5, False),
        (Lease(Lease.mine().host, "another boot", 1, 1.0), None, True),
        (Lease(Lease.mine().host, boot_id(), Lease.mine().pid, 1.0), None, True),  # the pid came back
        (Lease.mine(), None, False),
    ],
)
def test_who_is_dead(address, owner, beat, dead):
    books = ledger(address)
    books.study._storage.create_new_trial(
        books.study._study_id,
        create_trial(state=TrialState.RUNNING, user_attrs={"lstm_lab:owner": owner.text()}),
    )
    if beat is not None:
        books.study.set_user_attr(f"lstm_lab:beat:{owner.name()}", time.time() - beat)
    assert [one.number for one in books.bury()] == ([0] if dead else [])
    assert books.study.trials[0].state == (TrialState.FAIL if dead else TrialState.RUNNING)


def test_a_trial_that_nobody_signed_is_given_a_moment(address):
    books = ledger(address)
    books.study.ask()
    assert books.bury() == []


def test_burying_twice_retries_once(address):
    books = ledger(address)
    template = create_trial(state=TrialState.RUNNING, user_attrs={"lstm_lab:owner": foreign().text()})
    books.study._storage.create_new_trial(books.study._study_id, template)
    trial = books._trial(0)
    books._retry(trial, count=True)  # and then the supervisor was killed
    books.bury()
    books.bury()
    assert [one.state.name for one in books.study.trials] == ["FAIL", "WAITING"]


def test_an_enumerated_study_takes_what_is_queued_and_nothing_else(address):
    books = ledger(address, n_trials=2, enumerated=True, words=("x=1,2",))
    for _ in range(2):
        enqueue(books.study, [{"x": 1}, {"x": 2}], {})
    assert len(books.study.trials) == 2
    assert [books.claim().number, books.claim().number] == [0, 1]
    assert books.claim() is None


def test_brute_force_ends_by_itself(address):
    study = optuna.create_study(
        study_name="s", storage=open_storage(address), sampler=optuna.samplers.BruteForceSampler(seed=0)
    )
    books = Ledger(study, address, read_space({}, ["x=1,2,3"]), None, False, 0)
    seen = []
    while (trial := books.claim()) is not None:
        books.space.suggest(trial)
        seen.append(trial.params["x"])
        books.close(trial.number, Outcome("complete", values=(1.0,)))
    assert sorted(seen) == [1, 2, 3]
    assert books.is_done()
