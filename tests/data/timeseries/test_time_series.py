"""The datamodule: where the parts begin and end, and what cannot be split."""

import numpy as np
import pandas as pd
import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.errors import UserError
from lstm_lab.spec import Spec


def made(name="airline", **settings):
    data = TimeSeriesDataModule(name, **settings)
    data.setup()
    return data


def test_the_airline_is_cut_after_nine_years():
    data = made(horizon=36, test=36)
    split = data.split
    assert (split.valid, split.rows) == (108, 144)
    (batch,) = data.test_dataloader()
    assert batch.keys.tolist() == [108]
    assert batch.targets["horizon"][0, [0, -1], 0].tolist() == [340, 432]
    assert batch.inputs[0, -1, 0] == 336
    assert batch.targets["horizon_mask"].all()
    assert "1957-12" in data.protocol
    assert "36 steps from one origin" in data.protocol


def test_the_last_input_column_is_the_phase_of_the_season():
    data = made(horizon=12)
    batch = data.windows("train").gather(slice(None))
    phase = batch.inputs[:, :, -1]
    rows = batch.keys[:, None] + torch.arange(-data.lookback_rows, 0)
    assert torch.equal(phase.long(), rows % 12)
    assert data.spec.inputs.names[-1] == "phase"


@pytest.mark.parametrize("part", ["train", "validation", "test", "calibration"])
@pytest.mark.parametrize(
    "settings", [{"horizon": 36, "test": 36}, {"horizon": 1, "test": 0.3}, {"horizon": 5}]
)
def test_no_target_lies_outside_its_part(part, settings):
    data = made(**settings)
    split = data.split
    borders = {
        "train": (0, split.train),
        "validation": (split.train, split.valid),
        "calibration": (split.train, split.valid),
        "test": (split.valid, split.rows),
    }
    low, high = borders[part]
    batch = data.windows(part).gather(slice(None))
    known = batch.targets["horizon_mask"][:, :, 0]
    rows = batch.keys[:, None] + torch.arange(known.shape[1])
    assert low <= int(rows[known].min())
    assert int(rows[known].max()) < high
    assert torch.equal(
        batch.targets["horizon"][:, :, 0][known],
        torch.tensor(data.series.values[:, 0], dtype=torch.float32)[rows[known]],
    )


def test_one_step_ahead_every_test_row_is_a_target_once():
    data = made("sine", horizon=1, lookback=5, test=0.3)
    keys = torch.cat([batch.keys for batch in data.test_dataloader()])
    assert keys.tolist() == list(range(140, 200))


def test_a_refit_takes_the_validation_rows_and_no_more():
    data = made(horizon=36, test=36)
    before = data.processor.statistics
    rows = data.fitted_rows
    data.fit_again()
    assert rows == data.split.train < data.fitted_rows == data.split.valid == 108
    assert data.processor.statistics != before
    batch = data.windows("train").gather(slice(None))
    assert int(batch.keys.max()) + batch.targets["horizon"].shape[1] == 108


def test_the_spec_says_the_sizes_and_is_plain():
    data = made(horizon=36, test=36, unit="thousand passengers")
    spec = data.spec
    assert (spec.target.kind, spec.target.steps, spec.target.size) == ("horizon", 36, 1)
    assert (spec.unit, spec.season, spec.length) == ("thousand passengers", 12, data.lookback_rows)
    assert Spec.from_plain(spec.to_plain()) == spec


@pytest.mark.parametrize("loader", ["train_dataloader", "val_dataloader", "test_dataloader"])
@pytest.mark.parametrize("settings", [{"name": "airline", "horizon": 12}, {"name": "sine", "horizon": 1}])
def test_every_loader_gives_what_the_spec_promises(loader, settings):
    data = made(**settings)
    item = next(iter(getattr(data, loader)()))
    batch = item[0] if isinstance(item, list) else item
    assert isinstance(batch, Batch)
    assert batch.inputs.dtype == torch.float32
    assert batch.inputs.shape[1:] == (data.spec.length, data.spec.inputs.size)
    assert batch.lengths.dtype == batch.keys.dtype == torch.int64
    assert batch.targets["horizon"].shape == batch.targets["horizon_mask"].shape
    assert batch.targets["horizon"].shape[-1] == data.spec.target.size
    assert batch.targets["horizon_mask"].dtype == torch.bool


def test_several_series_at_once(tmp_path):
    table = np.stack([np.arange(60), 100 - np.arange(60)], axis=1)
    path = tmp_path / "two.csv"
    np.savetxt(path, table, delimiter=",", header="a,b", comments="")
    data = made("csv", path=path, target=["a", "b"], horizon=3)
    assert data.spec.target.size == 2
    (batch,) = data.val_dataloader()
    assert batch.targets["horizon"].shape[-1] == 2
    assert torch.equal(
        batch.targets["horizon"].sum(-1), torch.full(batch.targets["horizon"].shape[:2], 100.0)
    )


WRONG = {
    "horizon": ({"horizon": 0}, r"data\.horizon=0"),
    "batch": ({"batch_size": 0}, r"data\.batch_size=0"),
    "test": ({"horizon": 12, "test": 6}, r"data\.test=6 .*less than one horizon"),
    "lookback": ({"horizon": 12, "lookback": 200}, r"data\.lookback=200 does not fit"),
    "negative": ({"horizon": 12, "lookback": -3}, r"data\.lookback=-3"),
    "no lookback": ({"horizon": 12, "lookback": 0}, r"data\.lookback=0 is too small"),
    "season": ({"horizon": 12, "season": 100}, r"data\.season=100 needs more than 200"),
    "too long": ({"horizon": 71, "test": 71, "validation": 70}, r"too few for data\.horizon=71"),
    "validation": ({"horizon": 12, "validation": 0}, r"data\.validation=0"),
    "word": ({"horizon": 12, "test": "many"}, r"data\.test=many"),
    "rollout": ({"horizon": 12, "rollout": 0}, r"data\.rollout=0"),
    "no file": ({"name": "csv"}, r"data\.path"),
}


@pytest.mark.parametrize(("settings", "told"), WRONG.values(), ids=list(WRONG))
def test_what_cannot_be_split_is_told(settings, told):
    with pytest.raises(UserError, match=told) as error:
        made(**{"name": "airline", **settings})
    assert len(str(error.value).splitlines()) == 1


def test_more_ranks_than_windows_is_told():
    data = made("sine", horizon=1, lookback=5)

    class Trainer:
        global_rank, world_size = 0, 500

    data.trainer = Trainer()
    with pytest.raises(UserError, match="cannot be shared by 500 processes"):
        data.train_dataloader()


def test_what_nothing_can_be_learnt_from_is_told_before_training(tmp_path):
    """A look at it is allowed: its report warns."""
    for name, values, told in (
        ("still", np.full(60, 5.0), r"still.csv, column 'y': all \d+ training rows hold 5"),
        (
            "late",
            np.r_[np.full(50, np.nan), np.arange(10)],
            r"late.csv, column 'y': not one of the \d+ training rows",
        ),
    ):
        frame = pd.DataFrame({"y": values, "z": np.arange(60)})
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
        target = ["y", "z"] if name == "late" else "y"
        data = TimeSeriesDataModule(path=tmp_path / f"{name}.csv", target=target, horizon=3)
        with pytest.raises(UserError, match=told):
            data.setup("fit")
        data = TimeSeriesDataModule(path=tmp_path / f"{name}.csv", target=target, horizon=3)
        data.setup()
        assert "warning: 'y'" in data.report()
