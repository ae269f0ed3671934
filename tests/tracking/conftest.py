import logging

import pytest

from lstm_lab.tracking import store
from lstm_lab.tracking.run import open_run


@pytest.fixture(scope="session")
def fresh_database(tmp_path_factory):
    """A database whose schema is there already: making one takes three seconds."""
    outputs = tmp_path_factory.mktemp("fresh")
    uri = store.resolve_uri(f"sqlite:///{outputs / 'mlflow.db'}", outputs)
    store.connect(uri, outputs)
    return outputs / "mlflow.db"


@pytest.fixture
def tracked(outputs, fresh_database, monkeypatch, caplog):
    """`outputs` with a database of its own in the default place."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    outputs.mkdir(exist_ok=True)
    (outputs / "mlflow.db").write_bytes(fresh_database.read_bytes())
    caplog.set_level(logging.WARNING, "lstm_lab.tracking")
    return outputs


@pytest.fixture
def client(tracked):
    return store.connect(store.resolve_uri(None, tracked), tracked)


@pytest.fixture
def start(tracked):
    """Opens runs under `tracked`; those that a test leaves open are closed at its end."""
    opened = []

    def begin(name="one", **given):
        given = {"experiment": "lab", "system_metrics": False, **given}
        opened.append(open_run(tracked / "runs" / name, name=name, **given))
        return opened[-1]

    yield begin
    for run in opened:
        run.close("FAILED", "left open")
