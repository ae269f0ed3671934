"""Units that nobody reads are taken out and no answer changes; what is left is an ordinary, smaller network."""

import copy

import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.compression.units import CELLS, check_units, choose, narrow
from lstm_lab.errors import UserError
from lstm_lab.models import SequenceModel
from lstm_lab.nets.recurrent import Recurrent
from lstm_lab.spec import Frames, Spec, Target, Tokens, Values

TASKS = {"class": "classify", "label": "tag", "next": "language", "horizon": "forecast", "frames": "frames"}


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


PIXELS = Spec(Values(("a", "b", "c")), Target("class", 4))
WORDS = Spec(Tokens(9), Target("class", 4))
LABELS = Spec(Tokens(9), Target("label", 4))
NEXT = Spec(Tokens(9), Target("next", 9))
SERIES = Spec(Values(("value", "phase")), Target("horizon", 1, steps=6), season=4, length=16)
MEASURED = {
    "scales": {"raw": {"difference": {"spread": [1.0]}, "level": {"spread": [1.0], "profile": [[0.0] * 4]}}},
    "moments": {"raw": {"mean": [0.0], "std": [1.0], "min": [0.1]}},
    "block": 4, "floor": [0.1], "seasonal": True, "missing": False,
}  # fmt: skip
CASES = [
    *((PIXELS, {"cell": cell, "ensemble": 2}, {}) for cell in CELLS),
    (WORDS, {"bidirectional": True, "num_layers": 2}, {}),
    (WORDS, {"cell": "gru", "num_layers": 2, "locked": True, "dropout": 0.1}, {"pooling": "max"}),
    (WORDS, {"cell": "gru", "bidirectional": True}, {"pooling": "attention"}),
    (LABELS, {}, {}),
    (SERIES, {"cell": "gru", "ensemble": 2}, {"views": ["difference", "level"]}),
    (SERIES, {}, {"head": "direct"}),
    (SERIES, {"cell": "gru"}, {"head": "segment"}),
    (SERIES, {"cell": "rnn"}, {"head": "encoder_decoder", "output": "quantiles"}),
]


def model_of(spec, settings=(), task=()):
    task = {"name": TASKS[spec.target.kind], **dict(task)}
    return SequenceModel(spec, task, MEASURED, hidden_size=6, seed=1, **dict(settings)).eval()


def batch_of(spec):
    """Three sequences of different lengths, or windows of one."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.tensor([16] * 3 if spec is SERIES else [5, 3, 4])
    if isinstance(spec.inputs, Tokens):
        inputs = torch.randint(1, 9, (3, 5), generator=generator)
    else:
        inputs = torch.randn(3, int(lengths.max()), spec.inputs.size, generator=generator)
    if spec is SERIES:
        inputs[..., -1] = torch.arange(16) % 4  # the phase
    return Batch(inputs, lengths, torch.arange(3))


@pytest.mark.parametrize(("spec", "settings", "task"), CASES)
def test_units_that_nobody_reads_go_and_no_answer_changes(spec, settings, task):
    model = filled(model_of(spec, settings, task))
    forget_units(model, [1, 4], 4)
    small = narrower(model, 4)
    narrow(checkpoint(model), small)
    fewer, more = (sum(one.numel() for one in net.members.parameters()) for net in (small, model))
    assert fewer < more
    with torch.no_grad():
        before, after = model(batch_of(spec)), small(batch_of(spec))
    for name, truth in before.items():
        torch.testing.assert_close(after[name], truth, rtol=0, atol=1e-6 * max(1.0, float(truth.abs().max())))


def checkpoint(model):
    return {"hyper_parameters": dict(model.hparams), "state_dict": model.state_dict()}


@pytest.mark.parametrize(("vectors", "task"), [(6, {}), (9, {}), (6, {"tied": False})])
def test_a_language_model_keeps_its_tied_vectors(vectors, task):
    model = model_of(NEXT, {"frontend": {"name": "embedding", "size": vectors}}, task)
    narrow(checkpoint(model), same := narrower(model, 5))
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


def test_what_cannot_be_is_refused_in_one_line():
    model = model_of(NEXT, {"frontend": {"name": "embedding", "size": 4}})
    with pytest.raises(
        UserError, match=r"head\.project\.weight changes with the number of units in a way of its own"
    ):
        narrow(checkpoint(model), narrower(model, 4))
    with pytest.raises(UserError, match=r"this one has 0\."):
        narrow(
            checkpoint(model), model_of(Spec(Frames(1, 8, 8), Target("frames", 1, 2)), {"cell": "convlstm"})
        )


@pytest.mark.parametrize(
    ("core", "said"),
    [
        ({"cell": "mlstm"}, "cell=mlstm does not keep its units apart"),
        ({"cell": "lstm", "residual": True, "num_layers": 2}, "model.residual=true"),
        ({"cell": "lstm", "num_layers": 1, "decoder": {}}, "a decoder goes on"),
    ],
)
def test_networks_whose_units_hang_together_are_refused(core, said):
    with pytest.raises(UserError, match=f"start=it: prune.by=units cannot be: .*{said}"):
        check_units(core, "it")
