"""A net replayed through written-out cells gives what its kernels gave, and is left as it was."""

import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.nets.cell import CELLS
from lstm_lab.nets.classifier import SequenceClassifier
from lstm_lab.nets.frontend import Standardise
from lstm_lab.nets.rebuilding import written_out
from lstm_lab.nets.recurrent import Recurrent
from lstm_lab.nets.replay import longest, replayed
from lstm_lab.spec import Values

OPTIONS = [{"cell": name} for name in CELLS] + [
    {"cell": "lstm", "num_layers": 2, "bidirectional": True},
    {"cell": "gru", "hidden_size": [4, 5], "bidirectional": True},
    {"cell": "rnn", "activation": "relu", "num_layers": 2, "residual": True},
    {"cell": "lstm", "num_layers": 2, "dropout": 0.5, "recurrent_dropout": 0.3, "zoneout": 0.2},
]


def net_of(options):
    torch.manual_seed(1)
    core = Recurrent(3, **{"hidden_size": 4, **options})
    return SequenceClassifier(Standardise(Values(("a", "b", "c")), {}), core, 2).eval()


BATCH = Batch(
    torch.randn(3, 7, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([7, 4, 1]), torch.arange(3)
)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_outputs_and_states_are_those_of_the_run(options):
    net = net_of(options)
    logits = net(BATCH)
    outputs, state = net.core(*net.frontend(BATCH))
    with replayed(net) as calls:
        torch.testing.assert_close(net(BATCH), logits, rtol=1e-4, atol=1e-5)
    (call,) = calls
    torch.testing.assert_close(call.outputs, outputs, rtol=1e-4, atol=1e-5)
    top = [layer for layer in call.layers if layer.number == len(net.core.widths)]
    real = BATCH.mask[..., None]
    shown = torch.cat([layer.state("h", BATCH.lengths) for layer in top], -1)
    if not net.core.residual:
        torch.testing.assert_close(torch.where(real, shown, 0.0), outputs, rtol=1e-4, atol=1e-5)
    for layer in call.layers:
        for place, name in enumerate(layer.remembers):
            end = state[layer.number - 1][place][int(layer.backward)]
            own = layer.states[-1][place]
            torch.testing.assert_close(own, end, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("options", [{"cell": "lstm"}, {"cell": "lstm1997"}])
def test_a_net_is_left_as_it_was(options):
    net = net_of(options)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    with replayed(net, gates=True):
        net(BATCH)
    assert all("forward" not in module.__dict__ for module in net.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())


def test_written_out_cells_share_the_weights():
    core = Recurrent(3, 4, "gru", num_layers=2)
    twin = written_out(core)
    with torch.no_grad():
        core.kernels[0].weight_hh_l1.fill_(3.0)
    assert bool((twin.cells[1].weight_hh == 3.0).all())


def test_what_cannot_be_looked_into():
    with pytest.raises(UserError, match="no recurrent core of vectors"), replayed(torch.nn.Linear(1, 1)):
        pass
    with pytest.raises(UserError, match="rnn has no gates"), replayed(net_of({"cell": "rnn"}), gates=True):
        pass
    with pytest.raises(UserError, match="did not run its recurrent core"):
        longest([])
