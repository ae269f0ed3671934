"""The store itself: made once, in its place, and waited for while it is busy."""

import sqlite3
import threading
import time

from lstm_lab.tracking import store


def test_a_new_database_appears_whole_with_our_artifact_root(tmp_path):
    uri = store.resolve_uri(f"sqlite:///{tmp_path / 'deep' / 'mlflow.db'}", tmp_path)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / ".mlflow.db.new").write_text("left by a process that was killed")
    client = store.connect(uri, tmp_path)
    assert client.get_experiment("0").artifact_location == (tmp_path / "artifacts").as_uri() + "/0"
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == [".mlflow.lock", "mlflow.db"]
    with sqlite3.connect(tmp_path / "deep" / "mlflow.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_run_waits_for_a_database_that_others_write_to(start, tracked, client, caplog):
    run = start(params={"a": 1})
    others = sqlite3.connect(tracked / "mlflow.db", check_same_thread=False, isolation_level=None)
    others.execute("BEGIN IMMEDIATE")
    threading.Timer(4.0, others.rollback).start()
    begin = time.monotonic()
    run.log_metrics({"loss": 1.0}, 0)
    assert run.close("FINISHED", patience=0.5)
    assert time.monotonic() - begin > 2.0
    assert client.get_run(run.id).info.status == "FINISHED"
    waits = [one.message for one in caplog.records if one.message.startswith("Waiting for sqlite:///")]
    assert len(waits) == 1
