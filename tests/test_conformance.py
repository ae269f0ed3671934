"""What the house asks of every kind of data, with every cell: from a config to a prediction and back from a file.

Pairs are covered, not the full product: each data set meets three cells, each cell several data sets.
"""

import math

import pandas as pd
import pytest
import torch
from omegaconf import OmegaConf

from lstm_lab.data import SequenceDataModule
from lstm_lab.doors import compose_config
from lstm_lab.models import SequenceModel
from lstm_lab.planning import prepare
from lstm_lab.predictor import Predictor, load
from lstm_lab.training import ranks
from lstm_lab.training.checkpoint import write_checkpoint
from lstm_lab.wiring import build

# Data that is made or shipped, with settings that make it small.
DATA = {
    "airline": ["ensemble=3"],
    "sine": ["data.points=80"],
    "digits_rows": [],
    "dtmf": ["data.tones.count=160"],
    "echo": [],
    "keywords": [],
    "motifs": ["task.crf=true", "task.channels=[4]"],
    "mirrors": [],
    "agreement": ["data.sequences=60", "data.tests=4", "data.longest=10", "data.lags=[12]"],
    "adding": ["data.sequences=60", "data.tests=4", "data.longest=24", "data.lags=[30]"],
    "reber": ["data.strings=120", "data.tests=20"],
    "incidence": ["experiment=incidence", "ensemble=2"],
    "emotions": ["data.made.count=120", "data.features.hop=0.064"],
}
CELLS = (
    *("lstm", "gru", "rnn", "lstm1997", "lstm_peephole", "lstm_layernorm", "lstm_mogrifier"),
    *("mingru", "minlstm", "slstm", "mlstm"),
)
PAIRS = [
    (data, CELLS[(3 * number + turn) % len(CELLS)]) for number, data in enumerate(DATA) for turn in range(3)
]


@pytest.fixture
def plan(request):
    data, cell = request.param
    words = [f"data={data}", f"model={cell}", "model.hidden_size=6", "threads=1", *DATA[data]]
    settings = OmegaConf.to_container(compose_config(words), resolve=True)
    return prepare(settings, words, ranks.find_group(settings["trainer"]))


pairs = pytest.mark.parametrize("plan", PAIRS, ids=lambda pair: "-".join(pair), indirect=True)


@pairs
def test_from_config_to_prediction_and_back_from_a_file(plan, tmp_path):
    told_once(plan)
    learns_by_every_weight(plan)
    validates(plan)
    predictor = Predictor(plan.model, plan.data.processor)
    padding_and_company_change_nothing(plan, predictor)
    comes_back_from_a_file(predictor, tmp_path / "best.ckpt")


@pytest.mark.parametrize("data", [*DATA, "sentences", "dates", "moving_digits"])
def test_whatever_the_seed_of_a_run_validation_and_test_are_the_same(data):
    """Else an ensemble over seeds, ``start=`` and ``evaluate`` would score samples that one of them was trained on."""
    words = [f"data={data}", *DATA.get(data, [])]
    node = OmegaConf.to_container(compose_config(words), resolve=True)["data"]
    one, other = (build(node, SequenceDataModule, seed=seed) for seed in (0, 4))
    for part in ("val_dataloader", "test_dataloader"):
        for batch, twin in zip(getattr(one, part)(), getattr(other, part)(), strict=True):
            torch.testing.assert_close(twin.inputs, batch.inputs, rtol=0, atol=0, equal_nan=True)
            assert all(torch.equal(twin.targets[name], batch.targets[name]) for name in batch.targets)


def told_once(plan):
    spec = plan.data.spec
    assert type(spec).from_plain(spec.to_plain()) == spec
    for words in (plan.data.describe(), plan.data.protocol, plan.data.title, plan.data.digest):
        assert words.strip()
    assert plan.data.size > 0
    parts = {part: len(plan.data.samples(part)) for part in ("train", "validation", "test")}
    assert all(parts.values()), parts


def learns_by_every_weight(plan):
    batch, member = plan.example, plan.model.members[0].train()
    loss = plan.task.onward(member, batch, None)[0] if plan.task.carries else plan.task.loss(member, batch)
    assert math.isfinite(loss)
    loss.backward()
    # A head that begins at zero passes nothing on to what stands before it, but learns itself.
    moved = [name for name, weight in member.named_parameters() if weight.grad is not None]
    assert moved == [name for name, _ in member.named_parameters()]
    assert any(weight.grad.abs().sum() > 0 for weight in member.parameters())
    plan.model.zero_grad(set_to_none=True)


@torch.no_grad()
def validates(plan):
    plan.model.eval()
    plan.model.on_validation_epoch_start()
    seen = []
    for number, batch in enumerate(plan.data.val_dataloader()):
        plan.model.validation_step(batch, number)
        seen += batch.keys.tolist()
    assert len(seen) == len(set(seen)) or plan.task.carries  # each sample once
    assert math.isfinite(plan.model.validation_results()[plan.task.metric])


def padding_and_company_change_nothing(plan, predictor):
    if plan.task.carries:  # streams have no padding; tests/tasks/test_language.py has their identities
        return
    batch = next(iter(plan.data.test_dataloader()))[:5]
    together = predictor.predict_batch(batch)
    for row in range(len(batch)):
        alone = predictor.predict_batch(batch[row : row + 1])
        for name, tensor in together.items():
            torch.testing.assert_close(alone[name][0], tensor[row], rtol=1e-4, atol=1e-5, equal_nan=True)


def comes_back_from_a_file(predictor, path):
    write_checkpoint(path, {**predictor.checkpoint(), "data": {}})
    again = load(path)
    assert isinstance(again.model, SequenceModel)
    table = predictor.processor.example()
    assert isinstance(table, pd.DataFrame)
    # What is sampled is sampled alike.
    torch.manual_seed(0)
    first = predictor.predict(table)
    torch.manual_seed(0)
    pd.testing.assert_frame_equal(first, again.predict(table))
    assert len(first)
