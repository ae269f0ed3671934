"""Units that nobody reads are taken out and no answer changes; what is left is an ordinary, smaller network."""

import copy

import pytest
import torch
from omegaconf import OmegaConf

from lstm_lab.compression.units import CELLS, choose, narrow
from lstm_lab.doors import compose_config
from lstm_lab.errors import UserError
from lstm_lab.models import SequenceModel
from lstm_lab.nets.recurrent import Recurrent
from lstm_lab.planning import prepare
from lstm_lab.predictor import Predictor
from lstm_lab.training import ranks


def plan_of(*words):
    words = [*words, "threads=1"]
    settings = OmegaConf.to_container(compose_config(words), resolve=True)
    return prepare(settings, words, ranks.find_group(settings["trainer"]))


def narrower(model, width):
    """A model like another one but for its width, with weights of its own."""
    plain = copy.deepcopy(dict(model.hparams)) | {"hidden_size": width, "seed": 99}
    if plain["task"].get("embedding") == "auto":
        plain["task"]["embedding"] = model.hparams["hidden_size"]
    return SequenceModel(**plain).eval()


@torch.no_grad()
def forget_units(model, gone, width):
    """Lets nobody read some units: of each layer and direction, and whatever stands behind the core."""
    smaller = narrower(model, width)
    for net, other in zip(model.members, smaller.members, strict=True):
        new = dict(other.named_parameters())
        core = net.core
        for layer, units in enumerate(core.widths):
            for direction in range(core.directions):
                weight_ih, weight_hh, *_ = core.layer_parameters(layer, direction)
                if weight_hh is not None:
                    weight_hh[:, gone] = 0
                if layer:
                    for block in range(core.directions):
                        weight_ih[:, [unit + block * units for unit in gone]] = 0
        for name, weight in net.named_parameters():
            if name.startswith("core."):
                continue
            if not any(weight is one for one in core.parameters()) and name in new:
                for dim, (old, less) in enumerate(zip(weight.shape, new[name].shape, strict=True)):
                    if old != less:
                        for block in range(core.directions):
                            places = torch.tensor([unit + block * core.widths[-1] for unit in gone])
                            weight.index_fill_(dim, places, 0)


def filled(model):
    """Heads that begin at zero get weights, so that there is something to read."""
    torch.manual_seed(3)
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


SMALL = ("model.hidden_size=6",)
CASES = [
    *(("data=digits_rows", f"model={cell}", "ensemble=2") for cell in CELLS),
    ("data=keywords", "model=lstm", "model.bidirectional=true", "model.num_layers=2"),
    ("data=keywords", "model=gru", "model.num_layers=2", "model.locked=true", "model.dropout=0.1"),
    ("data=keywords", "model=gru", "task.pooling=attention"),
    ("data=sentences", "model=lstm"),
    ("data=airline", "model=gru", "ensemble=3"),
    ("data=airline", "model=lstm", "ensemble=1", "task.head=direct"),
    ("data=airline", "model=lstm", "ensemble=1", "task.head=segment"),
    ("data=airline", "model=gru", "ensemble=1", "task.head=encoder_decoder"),
    ("data=adding", "model=lstm"),
]


@pytest.mark.parametrize("words", CASES, ids=lambda words: "-".join(words[:2]))
def test_units_that_nobody_reads_go_and_no_answer_changes(words):
    plan = plan_of(*words, *SMALL)
    model, gone = filled(plan.model), [1, 4]
    forget_units(model, gone, 4)
    small = narrower(model, 4)
    narrow(Predictor(model, plan.data.processor).checkpoint(), small)
    assert sum(one.numel() for one in small.members.parameters()) < sum(
        one.numel() for one in model.members.parameters()
    )
    with torch.no_grad():
        before, after = model(plan.example), small(plan.example)
    for name, truth in before.items():
        torch.testing.assert_close(after[name], truth, rtol=0, atol=1e-6 * max(1.0, float(truth.abs().max())))


@pytest.mark.parametrize("words", [(), ("frontend.size=9",), ("task.tied=false",)])
def test_a_language_model_keeps_its_tied_vectors(words):
    plan = plan_of("data=echo", "model=lstm", "model.hidden_size=6", "frontend.size=6", *words)
    model = plan.model.eval()
    narrow(Predictor(model, plan.data.processor).checkpoint(), same := narrower(model, 5))
    net, small = model.members[0], same.members[0]
    kept = choose(net.core, [5], [_read_by(net)])[0][0]
    with torch.no_grad():
        hidden = torch.randn(3, 6)
        hidden[:, [unit for unit in range(6) if unit not in kept]] = 0
        expected = net.head.log_probabilities(hidden)
        torch.testing.assert_close(small.head.log_probabilities(hidden[:, kept]), expected)


def _read_by(net):
    project = getattr(net.head.project, "weight", None)
    return net.head.linear.weight.detach() if project is None else project.detach()


def test_importance_is_what_enters_times_what_leaves():
    core = Recurrent(1, 3, "rnn")
    with torch.no_grad():
        for weight in core.parameters():
            weight.zero_()
        weight_ih, weight_hh, *_ = core.layer_parameters(0, 0)
        weight_ih.copy_(torch.tensor([[3.0], [1.0], [2.0]]))
        weight_hh[0, 2] = 4.0  # unit 2 is read by unit 0
    read = torch.tensor([[0.0, 5.0, 0.0]])  # unit 1 by the head, unit 0 by nobody
    assert choose(core, [2], [read])[0][0].tolist() == [1, 2]
    assert choose(core, [1], [read])[0][0].tolist() == [2]  # 2 * 4 against 1 * 5
    assert choose(core, [1], [read * 2])[0][0].tolist() == [1]


def test_a_network_without_one_core_is_refused():
    plan = plan_of("data=moving_digits", "model=convlstm")
    with pytest.raises(UserError, match="one recurrent core; this one has 0"):
        narrow(Predictor(plan.model, plan.data.processor).checkpoint(), plan.model)
