"""Stores that are dead, slow or broken: training goes on, and sync completes the record."""

import time

import pytest

from lstm_lab.errors import UserError
from lstm_lab.tracking import store
from lstm_lab.tracking.run import open_run
from lstm_lab.tracking.sync import sync, sync_all

from .servers import Server, answering_500, free_port, never_answering, python


def steps(client, run_id, key="loss"):
    return [point.step for point in client.get_metric_history(run_id, key)]


def train(run, seconds=0.0, first=0, count=100):
    """Logs `count` steps, spread over some seconds; returns the seconds that the calls took."""
    spent = 0.0
    for step in range(first, first + count):
        begin = time.monotonic()
        run.log_metrics({"loss": 1.0 / (step + 1)}, step)
        spent += time.monotonic() - begin
        time.sleep(seconds / count)
    return spent


@pytest.mark.parametrize("trouble", ["refusing", "answering 500", "never answering"])
def test_training_goes_on_and_sync_completes_it(trouble, start, tracked, client, caplog, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with answering_500() as (broken, asked), never_answering() as silent:
        uri = {
            "refusing": f"http://127.0.0.1:{free_port()}",
            "answering 500": broken,
            "never answering": silent,
        }[trouble]
        run = start(uri=uri, patience=1.5)
        assert train(run) < 30  # each of the 100 calls would have waited for a second
        begin = time.monotonic()
        assert not run.close("FINISHED", patience=2.0)
        assert time.monotonic() - begin < 30
        assert bool(asked) == (trouble == "answering 500")
    complaints = [one.message for one in caplog.records if "does not answer" in one.message]
    assert len(complaints) == 1
    assert "Later: python -m lstm_lab.sync" in caplog.text
    outcome = sync(run.directory, tracked, store.resolve_uri(None, tracked))
    assert outcome.outcome == "sent"
    assert steps(client, outcome.run_id) == list(range(100))
    assert client.get_run(outcome.run_id).info.status == "FINISHED"


def test_sync_sends_once(start, tracked, client):
    run = start()
    train(run)
    run.close("FINISHED")
    assert sync(run.directory, tracked).outcome == "up to date"
    # A crash between sending and remembering: all is sent again, and kept once.
    (run.directory / "tracking.json").unlink()
    again = sync(run.directory, tracked, store.resolve_uri(None, tracked))
    assert (again.outcome, again.run_id) == ("sent", run.id)
    assert steps(client, run.id) == list(range(100))
    assert len(client.search_runs([client.get_run(run.id).info.experiment_id])) == 1


def test_sync_of_all_takes_parents_first(start, tracked, client):
    dead = f"http://127.0.0.1:{free_port()}"
    runs = [start("z-sweep", uri=dead, patience=2)]
    runs.append(start("a-trial", uri=dead, patience=2, parent=runs[0].directory))
    for run in runs:
        run.close("FINISHED", patience=2)
    found = sync_all(tracked, store.resolve_uri(None, tracked))
    assert [one.outcome for one in found] == ["sent", "sent"]
    sweep, trial = found
    assert client.get_run(trial.run_id).data.tags["mlflow.parentRunId"] == sweep.run_id


def test_a_living_run_is_left_to_itself(start, tracked):
    run = start()
    assert sync(run.directory, tracked).outcome == "still running"


def test_a_store_with_a_password_is_asked_for(start, tracked, monkeypatch):
    run = start(uri=f"http://ann:s3cr3tpw@127.0.0.1:{free_port()}", patience=2)
    run.close("FINISHED", patience=2)
    with pytest.raises(UserError, match="needs a password"):
        sync(run.directory, tracked)


@pytest.mark.parametrize("uri", ["file:/x", "./mlruns", "ftp://host", "/abs/path"])
def test_stores_that_mlflow_cannot_write_to_are_refused_at_once(uri, tracked):
    with pytest.raises(UserError, match=r"tracking\.uri"):
        open_run(tracked / "runs" / "x", "lab", "x", uri=uri)
    assert not (tracked / "runs" / "x").exists()


def test_what_mlflow_refuses_for_good_does_not_hold_up_the_rest(start, client, monkeypatch, caplog):
    run = start()
    shipper = run._courier.shipper
    entities = __import__("mlflow.entities", fromlist=["Metric"])
    real = entities.Metric
    monkeypatch.setattr(
        entities, "Metric", lambda name, *rest: real("bad[name]" if name == "bad" else name, *rest)
    )
    run.log_metrics({"good": 1.0, "bad": 2.0, "fine": 3.0}, 0)
    assert run.close("FINISHED")
    assert set(client.get_run(run.id).data.metrics) == {"good", "fine"}
    assert len(shipper.state.dropped) == 1
    assert "did not take" in caplog.text


@pytest.mark.slow
def test_a_server_killed_in_mid_run_and_brought_back(start, tracked, caplog):
    server = Server(tracked / "mlflow.db", tracked).start()
    try:
        run = start(uri=server.uri, params={"a": 1})
        train(run, 3.0, 0, 300)
        server.kill()
        assert train(run, 5.0, 300, 500) < 30
        server.start()
        train(run, 3.0, 800, 300)
        (run.directory / "table.csv").write_text("a,b\n")
        run.log_artifact(run.directory / "table.csv")
        assert run.close("FINISHED", patience=300)
        client = store.connect(server.uri, tracked)
        assert steps(client, run.id) == list(range(1100))
        assert client.get_run(run.id).info.status == "FINISHED"
        assert [one.path for one in client.list_artifacts(run.id)] == ["table.csv"]
        assert len([one for one in caplog.records if "does not answer" in one.message]) == 1
        assert len([one for one in caplog.records if "answers again" in one.message]) == 1
    finally:
        server.kill()


@pytest.mark.slow
def test_eight_first_starts_at_once(tmp_path):
    code = (
        "import sys; from pathlib import Path; from lstm_lab.tracking.run import open_run\n"
        "outputs = Path(sys.argv[1])\n"
        "run = open_run(outputs / 'runs' / sys.argv[2], 'lab', sys.argv[2], patience=120)\n"
        "run.log_metrics({'loss': 1.0}, 0)\n"
        "print(run.id, run.close('FINISHED', patience=60))"
    )
    places = {"LSTM_LAB_OUTPUTS": str(tmp_path), "MLFLOW_TRACKING_URI": ""}
    found = [python(code, tmp_path, number, **places) for number in range(8)]
    said = [process.communicate(timeout=600)[0].split() for process in found]
    assert [process.returncode for process in found] == [0] * 8
    assert [arrived for _, arrived in said] == ["True"] * 8
    client = store.connect(store.resolve_uri(None, tmp_path), tmp_path)
    for run_id, _ in said:
        assert client.get_run(run_id).info.status == "FINISHED"
    assert len(client.search_experiments(filter_string="name = 'lab'")) == 1
