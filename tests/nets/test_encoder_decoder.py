"""Encoder and decoder: literal numbers, one step at a time as all at once, and sentences that do not see each other."""

import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.nets.attention import KINDS
from lstm_lab.nets.beam import Symbols
from lstm_lab.nets.decoder import DecoderState
from lstm_lab.nets.encoder_decoder import DecoderSettings, build_encoder_decoder
from lstm_lab.spec import Tokens

STATISTICS = {
    "begin": 2, "end": 3, "never": [0, 2], "unknown": 1, "shared": True, "longest": 9, "stretch": 1.0,
}  # fmt: skip


def network(decoder=None, seed=0, **core):
    torch.manual_seed(seed)
    core = {"hidden_size": 4, "bidirectional": True, **core}
    settings = DecoderSettings.of({"hidden_size": 8, **(decoder or {})})
    return build_encoder_decoder(Tokens(20, specials=4), 20, core, settings, {"size": 6}, STATISTICS).eval()


def sources(lengths=(5, 3, 7), seed=1):
    torch.manual_seed(seed)
    return Batch.pad([torch.randint(4, 20, (length,)) for length in lengths])


def targets(rows=3, steps=6, seed=2):
    torch.manual_seed(seed)
    tokens = torch.randint(4, 20, (rows, steps))
    tokens[:, 0] = 2
    return tokens


PATHS = [pytest.param(feeding, id="fed" if feeding else "fast") for feeding in (False, True)]


def test_literal_numbers():
    """All weights 0.1, one unit each: the whole forward pass by hand."""
    net = build_encoder_decoder(
        Tokens(5, specials=4),
        5,
        {"cell": "rnn", "hidden_size": 1},
        DecoderSettings.of({"attention": "dot", "tied": "none", "embedding": 1}),
        {"size": 1},
        STATISTICS,
    )
    for parameter in net.parameters():
        torch.nn.init.constant_(parameter, 0.1)
    found, weights = net(Batch.pad([torch.tensor([4, 4])]), torch.tensor([[2, 4]]))
    tanh = torch.tanh
    x = torch.tensor(0.1)  # each vector is 0.1; both biases of a layer count
    h1 = tanh(0.1 * x + 0.2)
    h2 = tanh(0.1 * x + 0.1 * h1 + 0.2)
    state = tanh(0.1 * h2 + 0.1)
    for step in range(2):
        state = tanh(0.1 * x + 0.1 * state + 0.2)
        paid = torch.stack([state * h1, state * h2]).softmax(0)
        context = paid[0] * h1 + paid[1] * h2
        torch.testing.assert_close(weights[0, step], paid)
        torch.testing.assert_close(found[0, step, 0], tanh(0.1 * state + 0.1 * context + 0.1))


@pytest.mark.parametrize("feeding", PATHS)
@pytest.mark.parametrize("attention", KINDS)
@pytest.mark.parametrize("cell", ["lstm", "gru", "lstm_mogrifier", "minlstm", "slstm", "mlstm"])
@torch.no_grad()
def test_steps_are_the_whole(attention, feeding, cell):
    coverage = feeding and attention == "bahdanau"
    net = network(
        {"attention": attention, "input_feeding": feeding, "coverage": coverage}, cell=cell, num_layers=2
    )
    batch, tokens = sources(), targets()
    found, weights = net(batch, tokens)
    expected = net.decoder.head.log_probabilities(found)
    memory, state = net.encode(batch)
    for step in range(tokens.shape[1]):
        chances, paid, state = net.decoder.step(tokens[:, step], memory, state)
        torch.testing.assert_close(chances, expected[:, step])
        torch.testing.assert_close(paid, weights[:, step])


@pytest.mark.parametrize("cell", ["slstm", "mlstm"])
@torch.no_grad()
def test_of_exponential_gates_the_bridge_hands_over_the_output_alone(cell):
    net = network({"bridge": "linear"}, cell=cell, num_layers=2)
    _, state = net.encode(sources())
    assert [[part.shape[2] for part in layer] for layer in state.core] == [
        list(sizes) for sizes in net.decoder.state_sizes
    ]
    assert all(h.any() and not any(part.any() for part in rest) for h, *rest in state.core)


@pytest.mark.parametrize("feeding", PATHS)
@pytest.mark.parametrize("attention", KINDS)
@torch.no_grad()
def test_batch_order_and_padding_change_nothing(attention, feeding):
    net = network({"attention": attention, "input_feeding": feeding})
    batch, tokens = sources(), targets()
    whole, weights = net(batch, tokens)
    for row, length in enumerate(batch.lengths.tolist()):
        alone = Batch.pad([batch.inputs[row, :length]])
        found, paid = net(alone, tokens[row : row + 1])
        torch.testing.assert_close(found[0], whole[row])
        torch.testing.assert_close(paid[0], weights[row, :, :length])
        assert not weights[row, :, length:].any()
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(net(batch[order], tokens[order])[0], whole[order])
    wider = Batch(torch.nn.functional.pad(batch.inputs, (0, 4)), batch.lengths, batch.keys)
    torch.testing.assert_close(net(wider, tokens)[0], whole)
    later = tokens.clone()
    later[:, 4:] = 9  # what comes later in the target is not seen before
    torch.testing.assert_close(net(batch, later)[0][:, :4], whole[:, :4])


@pytest.mark.parametrize("between", [{"residual": True}, {"zoneout": 0.2}, {"recurrent_dropout": 0.3}])
@torch.no_grad()
def test_input_feeding_with_what_a_core_can_do(between):
    net = network({"input_feeding": True, "hidden_size": 8}, num_layers=2, **between)
    assert net(sources(), targets())[0].isfinite().all()
    assert net.train()(sources(), targets())[0].isfinite().all()


def test_without_anything_fed_both_paths_are_one():
    fast, fed = network(), network({"input_feeding": True})
    weights = dict(fed.named_parameters())
    with torch.no_grad():
        for name, value in fast.named_parameters():
            if not name.startswith("decoder.core"):
                weights[name].copy_(value)
        cell, kernel = fed.decoder.core.core.cells[0], fast.decoder.core.kernels[0]
        cell.weight_ih.zero_()
        cell.weight_ih[:, :6] = kernel.weight_ih_l0
        cell.weight_hh.copy_(kernel.weight_hh_l0)
        cell.bias_ih.copy_(kernel.bias_ih_l0)
        cell.bias_hh.copy_(kernel.bias_hh_l0)
        torch.testing.assert_close(fed(sources(), targets())[0], fast(sources(), targets())[0])


def test_tied_vectors_are_one_tensor():
    net = network({"tied": "all", "hidden_size": 5})
    assert net.decoder.table is net.frontend.table
    assert net.decoder.head.linear.weight is net.frontend.table.weight
    assert net.decoder.head.project.weight.shape == (6, 5)  # sizes differ: a projection instead of an error
    own = network({"tied": "none"})
    assert own.decoder.head.linear.weight is not own.decoder.table.weight


def test_the_bridge_fits_any_depth_and_size():
    net = network({"num_layers": 3, "hidden_size": 5}, num_layers=2)
    _, state = net.encode(sources())
    assert isinstance(state, DecoderState)
    assert [tuple(part.shape for part in layer) for layer in state.core] == [((1, 3, 5), (1, 3, 5))] * 3
    _, zeros = network({"bridge": "zero"}).encode(sources())
    assert not any(part.any() for layer in zeros.core for part in layer)


def test_limits_belong_to_a_sentence():
    net = network()
    assert net.limits(torch.tensor([1, 30])).tolist() == [12, 70]
    assert net.symbols == Symbols(2, 3, (0, 2))


@pytest.mark.parametrize(
    ("decoder", "core", "told"),
    [
        ({"attention": "lung"}, {}, "model.decoder.attention=lung is not known"),
        ({"depth": 2}, {}, "model.decoder=depth is not known"),
        ({"dropout": 1.0}, {}, "no probability"),
        ({"coverage": True, "attention": "bahdanau"}, {}, "needs input_feeding=true"),
        ({"tied": "all", "embedding": 9}, {}, "contradicts tied=all"),
        ({"input_feeding": True}, {"weight_drop": 0.5}, "does not go with"),
    ],
)
def test_mistakes_are_told(decoder, core, told):
    with pytest.raises(UserError, match=told):
        network(decoder, **core)
