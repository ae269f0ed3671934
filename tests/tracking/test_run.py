"""A run against a real SQLite store."""

import math
import time

import pytest
import torch

from lstm_lab.errors import UserError
from lstm_lab.tracking import lease
from lstm_lab.tracking.events import read_events


def history(client, run_id, key):
    return [(point.step, point.value) for point in client.get_metric_history(run_id, key)]


def test_a_whole_run_arrives(start, client, tracked):
    run = start(
        params={"model": {"cell": "lstm", "sizes": [1, 2]}, "long": "x" * 5000}, tags={"data": "airline"}
    )
    run.log_input("airline", "a" * 64, "training", "airline.csv")
    for step in range(5):
        run.log_metrics(
            {"train/loss": torch.tensor(1.0 / (step + 1)), "val/rmse": 2.0}, step, epoch=step // 2
        )
    (run.directory / "figures").mkdir()
    (run.directory / "figures" / "a.png").write_bytes(b"png")
    run.log_artifact(run.directory / "figures" / "a.png", "figures")
    run.set_tag("verdict", "better")
    assert client.get_run(run.id).info.status == "RUNNING"
    assert run.close("FINISHED")

    seen = client.get_run(run.id)
    assert seen.info.status == "FINISHED"
    assert seen.info.run_name == "one"
    assert seen.data.params == {"model.cell": "lstm", "model.sizes": "[1, 2]", "long": "x" * 5000}
    assert seen.data.tags["data"] == "airline"
    assert seen.data.tags["verdict"] == "better"
    assert history(client, run.id, "train/loss") == [
        (0, 1.0),
        (1, 0.5),
        (2, pytest.approx(1 / 3)),
        (3, 0.25),
        (4, pytest.approx(0.2)),
    ]
    assert history(client, run.id, "epoch") == [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2)]
    (data,) = seen.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest, data.tags[0].value) == ("airline", "a" * 16, "training")
    assert [one.path for one in client.list_artifacts(run.id, "figures")] == ["figures/a.png"]
    assert seen.info.artifact_uri.startswith((tracked / "artifacts").as_uri())
    assert not (tracked.parent / "mlruns").exists()


def test_ends_are_told_truthfully(start, client):
    for status in ("FAILED", "KILLED"):
        run = start(status)
        run.close(status, "password=hunter22 was wrong")
        seen = client.get_run(run.id)
        assert seen.info.status == status
        assert seen.data.tags["reason"] == "password=*** was wrong"


def test_strange_numbers_and_names_arrive(start, client):
    run = start()
    run.log_metrics({"a[0]": math.nan, "val/µ(x)": math.inf, "../up": 1.0}, 0)
    run.close("FINISHED")
    metrics = client.get_run(run.id).data.metrics
    assert math.isnan(metrics["a_0_"])
    assert metrics["val/µ_x_"] > 1e308
    assert metrics["up"] == 1.0


def test_a_resumed_run_goes_on_and_repeats_nothing(start, client):
    run = start(params={"lr": 1})
    for step in range(8):
        run.log_metrics({"train/loss": float(step)}, step)
    run.close("KILLED", "interrupted")
    again = start(params={"lr": 2, "new": 3})
    assert again.id == run.id
    assert client.get_run(run.id).info.status == "RUNNING"
    for step in range(5, 12):
        again.log_metrics({"train/loss": float(step)}, step)
    again.close("FINISHED")
    assert history(client, run.id, "train/loss") == [(step, float(step)) for step in range(12)]
    assert client.get_run(run.id).data.params == {"lr": "1", "new": "3"}
    assert client.get_run(run.id).info.status == "FINISHED"


def test_a_child_knows_its_parent_from_the_beginning(start, client):
    parent = start("sweep")
    by_id, by_directory = start("a", parent=parent.id), start("b", parent=parent.directory)
    for child in (by_id, by_directory):
        assert client.get_run(child.id).data.tags["mlflow.parentRunId"] == parent.id


def test_off_writes_events_only(start, client):
    run = start(uri="off", params={"a": 1})
    run.log_metrics({"loss": 1.0}, 0)
    assert run.close("FINISHED")
    assert run.id is None
    assert [event["kind"] for _, event in read_events(run.directory)] == [
        "open",
        "params",
        "metrics",
        "close",
    ]
    assert not client.search_experiments(filter_string="name = 'lab'")


def test_secrets_are_neither_in_the_record_nor_in_the_store(start, tracked):
    run = start(
        params={"db": {"password": "hunter22", "url": "postgresql://ann:s3cr3tpw@host/db"}, "num_tokens": 12},
        tags={"api_key": "hunter22"},
    )
    run.log_input("x", "1", source="https://ann:s3cr3tpw@host/x.csv")
    run.close("FAILED", "no answer from https://ann:s3cr3tpw@host")
    written = (tracked / "mlflow.db").read_bytes() + b"".join(
        path.read_bytes() for path in run.directory.rglob("*") if path.is_file()
    )
    assert b"num_tokens" in written
    assert b"hunter22" not in written
    assert b"s3cr3tpw" not in written


def test_a_directory_in_use_is_refused(start, monkeypatch):
    run = start()
    monkeypatch.setattr(lease.os, "getpid", lambda: 1)
    with pytest.raises(UserError, match="still writing there"):
        start()
    assert run.directory.is_dir()


def test_metrics_go_in_few_transactions_while_training_runs(start, client, monkeypatch):
    run = start()
    shipper = run._courier.shipper
    sent = []
    monkeypatch.setattr(shipper, "_send", lambda parcel: sent.append(len(parcel.metrics)))
    begin = time.monotonic()
    step = 0
    while time.monotonic() - begin < 3.0:
        run.log_metrics({"loss": 0.0}, step)
        step += 1
        time.sleep(0.001)
    assert len(sent) <= (time.monotonic() - begin) / 2 + 1
    run.close("FINISHED")
    assert sum(sent) == step
    assert max(sent) <= 1000


def test_a_run_that_is_stopped_while_the_store_is_opened_says_so(start, tracked, monkeypatch):
    def stopped(self, patience):
        raise KeyboardInterrupt

    monkeypatch.setattr("lstm_lab.tracking.courier.Courier.await_opening", stopped)
    with pytest.raises(KeyboardInterrupt):
        start()
    directory = tracked / "runs" / "one"
    assert [event["status"] for _, event in read_events(directory) if event["kind"] == "close"] == ["KILLED"]
    assert not lease.is_alive(directory)
