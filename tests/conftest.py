import os
import signal
from pathlib import Path

import pytest

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ["OMP_NUM_THREADS"] = "1"
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # tests in the background of a shell start processes that hear it
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def no_store_named(monkeypatch):
    """No test writes into the store of the one before it: MLflow keeps what it was once told in the environment."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def outputs(tmp_path, monkeypatch):
    """A folder of its own for results, so that a test leaves the checkout as it was."""
    monkeypatch.setenv("LSTM_LAB_OUTPUTS", str(tmp_path / "outputs"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "outputs"


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data that the variable LSTM_LAB_DATA names; tests that need it skip without."""
    folder = os.environ.get("LSTM_LAB_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("LSTM_LAB_DATA names no folder of real data")
    return Path(folder)
