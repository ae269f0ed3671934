"""Real runs through the real door, small enough to be many."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml

from lstm_lab.train import main

TINY = ("ensemble=1", "fit.max_steps=4", "tracking=off", "model.hidden_size=4")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Ran:
    """What a run left behind."""

    def __init__(self, path):
        self.path = path
        self.status = json.loads((path / "status.json").read_text())
        self.config = yaml.safe_load((path / "config.yaml").read_text())
        self.best = path / "checkpoints" / "best.ckpt"

    @property
    def metrics(self):
        return json.loads((self.path / "metrics.json").read_text())

    @property
    def predictions(self):
        return pd.read_csv(self.path / "predictions.csv")

    @property
    def history(self):
        return pd.read_csv(self.path / "history.csv")

    @property
    def checkpoint(self):
        return torch.load(self.best, weights_only=True)


@pytest.fixture
def train(outputs):
    """Runs the door in this process with tiny settings; later words win over earlier ones."""

    def run(*words, code=0):
        assert main([*TINY, *map(str, words)]) == code
        return Ran(Path((outputs / "runs" / "latest").resolve()))

    return run


@pytest.fixture
def tracked_runs(outputs):
    """Returns all runs in the store under the outputs, told to no one else in this process."""
    import mlflow

    def find():
        client = mlflow.MlflowClient(f"sqlite:///{outputs / 'mlflow.db'}")
        return client.search_runs([one.experiment_id for one in client.search_experiments()])

    return find


@pytest.fixture
def monthly(tmp_path):
    """Writes six years of a growing, seasonal series: small enough that classical baselines fit at once."""

    def write(name="sales.csv", change=None):
        rows = torch.arange(72)
        values = 50 + rows + 10 * torch.sin(rows * torch.pi / 6) + (rows * 7 % 5)
        table = pd.DataFrame(
            {
                "month": pd.date_range("2001-01", periods=72, freq="MS").strftime("%Y-%m"),
                "sales": values.double(),
            }
        )
        if change is not None:
            change(table)
        table.to_csv(tmp_path / name, index=False)
        return tmp_path / name

    return write
