"""Dropout of recurrent nets: literal values, what is shared over time, and where gradients go."""

import itertools
import math
import warnings

import pytest
import torch
from torch import nn

from lstm_lab.nets.dropout import embedding_dropout, locked_dropout, run_dropped, word_dropout
from lstm_lab.nets.recurrent import Recurrent

torch.set_num_threads(1)


def scalar_rnn(weight_hh):
    """h_t = tanh(x_t + w h_{t-1}) with one unit."""
    net = Recurrent(1, 1, "rnn", weight_drop=0.5)
    with torch.no_grad():
        for name, parameter in net.kernels[0].named_parameters():
            parameter.fill_({"weight_ih_l0": 1.0, "weight_hh_l0": weight_hh}.get(name, 0.0))
    return net


def test_weight_drop_by_hand():
    """The weight 0.6 is either gone or doubled, for all steps of a call alike."""
    net = scalar_rnn(0.6).train()
    x = torch.tensor([0.5, -0.2, 0.1]).view(1, 3, 1)
    expected = {}
    for weight in (0.0, 1.2):
        h, path = 0.0, []
        for value in (0.5, -0.2, 0.1):
            h = math.tanh(value + weight * h)
            path.append(round(h, 5))
        expected[tuple(path)] = weight
    seen = {tuple(round(v, 5) for v in net(x)[0].flatten().tolist()) for _ in range(50)}
    assert seen == set(expected)
    net.eval()
    assert net(x)[0][0, 1, 0].item() == pytest.approx(math.tanh(-0.2 + 0.6 * math.tanh(0.5)), abs=1e-6)


@pytest.mark.parametrize("backend", ["torch", "reference"])
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_gradient_reaches_the_raw_weight_without_a_warning(cell, ragged, backend):
    net = Recurrent(3, 4, cell, 2, bidirectional=True, weight_drop=0.5, backend=backend).train()
    lengths = torch.tensor([5, 2]) if ragged else None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net(torch.randn(2, 5, 3), lengths)[0].sum().backward()
    for layer, direction in itertools.product(range(2), range(2)):
        weight = net.layer_parameters(layer, direction)[1]
        assert weight.is_leaf
        assert weight.grad is not None
        zeros = (weight.grad == 0).float().mean()
        assert 0.1 < zeros < 0.9  # dropped weights get none


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_nothing_dropped_is_the_module_itself(cell):
    kernel = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[cell](3, 4, 2, batch_first=True)
    x = torch.randn(2, 5, 3)
    torch.testing.assert_close(run_dropped(kernel, x, None, 0.0), kernel(x), atol=0, rtol=0)


def test_both_backends_drop_the_same_weights_from_the_same_seed():
    fused = Recurrent(3, 4, "lstm", weight_drop=0.5).train()
    written = Recurrent(3, 4, "lstm", weight_drop=0.5, backend="reference").train()
    with torch.no_grad():
        for ours, theirs in zip(written.layer_parameters(0, 0), fused.layer_parameters(0, 0), strict=True):
            ours.copy_(theirs)
    x, results = torch.randn(2, 5, 3), []
    for net in (fused, written):
        torch.manual_seed(3)
        results.append(net(x)[0])
    torch.testing.assert_close(*results)


def test_locked_dropout_is_one_mask_for_all_steps():
    torch.manual_seed(0)
    dropped = locked_dropout(torch.ones(3, 7, 50), 0.4, training=True)
    assert (dropped == dropped[:, :1]).all()
    assert dropped.unique().tolist() == pytest.approx([0, 1 / 0.6])
    assert not torch.equal(dropped[0], dropped[1])
    x = torch.randn(2, 3, 4)
    assert locked_dropout(x, 0.4, training=False) is x


def test_locked_core_drops_between_layers_only():
    torch.manual_seed(0)
    net = Recurrent(3, 4, num_layers=2, dropout=0.9999, locked=True).train()
    x = torch.randn(2, 5, 3)
    alone = net.kernels[1](torch.zeros(2, 5, 4))[0]
    torch.testing.assert_close(net(x)[0], alone)  # all of the first layer's outputs are dropped
    full = Recurrent(3, 4, num_layers=2)
    full.kernels[0].load_state_dict(
        {
            name.replace("_l0", f"_l{layer}"): value
            for layer in range(2)
            for name, value in net.kernels[layer].state_dict().items()
        }
    )
    torch.testing.assert_close(net.eval()(x)[0], full(x)[0])


def test_residual_adds_the_input_of_each_further_layer():
    plain, residual = (Recurrent(3, 4, num_layers=2, residual=one, locked=True) for one in (False, True))
    residual.load_state_dict(plain.state_dict())
    x = torch.randn(2, 5, 3)
    below = plain.kernels[0](x)[0]
    torch.testing.assert_close(residual(x)[0], plain(x)[0] + below)
    lengths = torch.tensor([5, 2])
    ragged = residual(x, lengths)[0]
    torch.testing.assert_close(ragged[1, :2], residual(x[1:, :2])[0][0])
    assert not ragged[1, 2:].any()


def test_embedding_dropout_takes_whole_words():
    torch.manual_seed(0)
    dropped = embedding_dropout(torch.ones(200, 5), 0.25, training=True)
    assert (dropped == dropped[:, :1]).all()
    assert 0.15 < (dropped[:, 0] == 0).float().mean() < 0.35


def test_word_dropout_spares_padding():
    torch.manual_seed(0)
    tokens = torch.tensor([[5, 6, 7, 0, 0]] * 400)
    dropped = word_dropout(tokens, 0.3, unknown=1, training=True)
    assert (dropped[:, 3:] == 0).all()
    assert 0.25 < (dropped[:, :3] == 1).float().mean() < 0.35
    assert (dropped[:, :3][dropped[:, :3] != 1] >= 5).all()


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_zoneout(cell):
    """Trained, the state is the mean of staying and moving; in training each unit does one of both."""
    moving = Recurrent(3, 4, cell, backend="reference")
    zoned = Recurrent(3, 4, cell, zoneout=0.3)
    assert zoned.backend == "reference"
    zoned.load_state_dict(moving.state_dict())
    x = torch.randn(2, 1, 3)
    start = [tuple(torch.randn(1, 2, 4) for _ in layer) for layer in moving.initial_state(2)]
    moved = moving(x, state=start)[1][0]
    mixed = zoned.eval()(x, state=start)[1][0]
    for new, old, mean in zip(moved, start[0], mixed, strict=True):
        torch.testing.assert_close(mean, 0.3 * old + 0.7 * new)
    after = zoned.train()(x, state=start)[1][0]
    for new, old, either in zip(moved, start[0], after, strict=True):
        assert ((either == old) | torch.isclose(either, new)).all()
