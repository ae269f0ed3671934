"""What an input is worth: exchanged by hand, and found again in a series whose law is known."""

import numpy as np
import pandas as pd
import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.errors import UserError
from lstm_lab.figures.probes import draw_importance
from lstm_lab.models import SequenceModel
from lstm_lab.probing import importance
from lstm_lab.tasks import Forecast

SLOPE = 3.0


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A series that is three times what `cause` was a row before; `noise` and `wind` say nothing."""
    draw = np.random.default_rng(0)
    cause = draw.normal(size=400)
    table = pd.DataFrame({"cause": cause, "noise": draw.normal(size=400)})
    table["wind"] = np.where(draw.random(400) < 0.5, "N", "S")
    table["y"] = np.r_[0.0, SLOPE * cause[:-1]]
    path = tmp_path_factory.mktemp("known") / "known.csv"
    table.to_csv(path, index=False)
    data = TimeSeriesDataModule(
        path=path, target="y", past=["cause", "noise", "wind"], time="none",
        horizon=1, lookback=1, test=100, validation=60,
    )  # fmt: skip
    task = Forecast(head="direct", window="none", skip=True)
    data.suit(task.to_plain())
    return data, SequenceModel(data.spec, task, data.statistics, cell="rnn", hidden_size=2, seed=0).eval()


def test_columns_change_hands_by_hand():
    inputs = torch.tensor([[[1.0, 10], [2, 20], [3, 30]], [[4, 40], [5, 50], [0, 0]]])
    batch = Batch(inputs, torch.tensor([3, 2]), torch.arange(2), future=torch.tensor([[[7.0]], [[8.0]]]))
    found = importance.exchanged(batch, torch.tensor([1, 0]), [1], [0])
    # The shorter donor begins again, the longer one is cut; padding stays.
    assert found.inputs.tolist() == [[[1, 40], [2, 50], [3, 40]], [[4, 10], [5, 20], [0, 0]]]
    assert found.future.tolist() == [[[8.0]], [[7.0]]]
    assert torch.equal(batch.inputs, inputs)
    same = importance.exchanged(batch, torch.arange(2), [0, 1], [0])
    assert torch.equal(same.inputs, inputs)


def test_what_was_filled_goes_with_its_column():
    batch = Batch(torch.ones(2, 1, 2), torch.ones(2).long(), torch.arange(2))
    batch = Batch(
        batch.inputs, batch.lengths, batch.keys, observed=torch.tensor([[[True, False]], [[False, True]]])
    )
    found = importance.exchanged(batch, torch.tensor([1, 0]), [0], [])
    assert found.observed.tolist() == [[[False, False]], [[True, True]]]


def test_the_law_of_a_series_is_found_again(known, tmp_path):
    data, model = known
    assert list(data.columns_by_input()) == ["y", "cause", "noise", "wind"]
    assert data.columns_by_input()["wind"] == ([3, 4], [])
    trained = torch.optim.Adam(model.parameters(), 0.05)
    batch = data.samples("train").gather(slice(None))
    for _ in range(150):
        trained.zero_grad()
        model.task.loss(model.members[0], batch).backward()
        trained.step()
    table = importance.measure(model, data, "test", repeats=4)
    assert table["input"].iloc[0] == "cause"
    assert table["sequences"].iloc[0] == 100
    rows = table.set_index("input")
    # The mean absolute difference of two independent normal values is 2/√π times their spread.
    assert rows["worse"]["cause"] == pytest.approx(SLOPE * 2 / np.sqrt(np.pi), rel=0.2)
    assert rows["worse"][["noise", "wind", "y"]].abs().max() < 0.1
    assert rows["ratio"]["cause"] == pytest.approx(
        1 + rows["worse"]["cause"] / rows["before"]["cause"], rel=1e-4
    )
    pd.testing.assert_frame_equal(table, importance.measure(model, data, "test", repeats=4))
    assert importance.summary(table).startswith("MAE ")
    draw_importance(tmp_path / "bars.png", {"rnn": table, "other": table}, "known")
    assert (tmp_path / "bars.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"part": "tests"}, "part=tests is not known. Did you mean 'test'"),
        ({"repeats": 1}, "repeats=1 is too small"),
        ({"sequences": 1}, "sequences=1 is too small"),
    ],
)
def test_mistakes(known, settings, line):
    data, model = known
    with pytest.raises(UserError, match=line):
        importance.measure(model, data, **{"part": "test", **settings})


def test_an_input_alone_has_nothing_beside_it(monkeypatch, known):
    data, model = known
    monkeypatch.setattr(data, "columns_by_input", lambda: {"y": ([0], [])})
    with pytest.raises(UserError, match=r"this data has one alone \(y\)"):
        importance.measure(model, data, "test")
