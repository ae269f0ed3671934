"""The recurrent core: the same result padded, shuffled, in pieces and step by step, for every cell."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lstm_lab.errors import UserError
from lstm_lab.nets.cell import CELLS
from lstm_lab.nets.recurrent import Recurrent, State

torch.set_num_threads(1)

FUSED = ("rnn", "gru", "lstm")
KINDS = [(cell, "torch") for cell in FUSED] + [(cell, "reference") for cell in CELLS]
SHAPES = [  # hidden_size, num_layers, bidirectional
    *itertools.product([4], [1, 2], [False, True]),
    ([4, 3], 1, False),
    ([4, 3], 1, True),
]
CLOSE = {"atol": 1e-6, "rtol": 1e-5}
LOOSE = {"atol": 1e-4, "rtol": 1e-3}  # layer normalisation divides by deviations that may be tiny

every_kind = pytest.mark.parametrize(("cell", "backend"), KINDS)
every_shape = pytest.mark.parametrize(("hidden", "layers", "both"), SHAPES)


def build(
    cell: str, backend: str, hidden: int | list[int] = 4, layers: int = 1, both: bool = False
) -> Recurrent:
    torch.manual_seed(0)
    return Recurrent(3, hidden, cell, layers, both, backend=backend)


def rows(state: State, index: slice | Tensor) -> State:
    return [tuple(part[:, index] for part in layer) for layer in state]


def random_state(net: Recurrent, batch_size: int) -> State:
    """What a random sequence leaves; numbers drawn at will could be no state of a cell with exponential gates."""
    return [tuple(part.detach() for part in layer) for layer in net(torch.randn(batch_size, 3, 3))[1]]


def copy_parameters(source: Recurrent, target: Recurrent) -> None:
    for layer, direction in itertools.product(range(len(source.widths)), range(source.directions)):
        pairs = zip(
            source.layer_parameters(layer, direction), target.layer_parameters(layer, direction), strict=True
        )
        with torch.no_grad():
            for theirs, ours in pairs:
                ours.copy_(theirs)


@every_kind
@every_shape
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("ragged", [False, True])
def test_shapes_and_dtypes(cell, backend, hidden, layers, both, dtype, ragged) -> None:
    net = build(cell, backend, hidden, layers, both).to(dtype)
    lengths = torch.tensor([5, 2]) if ragged else None
    outputs, state = net(torch.randn(2, 5, 3, dtype=dtype), lengths)
    assert outputs.shape == (2, 5, net.output_size)
    assert outputs.dtype == dtype
    empty = net.initial_state(2, dtype=dtype)
    assert [[part.shape for part in layer] for layer in state] == [[p.shape for p in one] for one in empty]
    assert len(state) == len(net.widths)
    assert all(part.dtype == dtype for layer in state for part in layer)


@pytest.mark.parametrize("cell", FUSED)
@every_shape
@pytest.mark.parametrize("ragged", [False, True])
def test_written_out_cells_equal_the_fused_kernels(cell, hidden, layers, both, ragged) -> None:
    """Outputs, state and gradients, with and without padding."""
    fused = build(cell, "torch", hidden, layers, both)
    written = build(cell, "reference", hidden, layers, both)
    copy_parameters(fused, written)
    x = torch.randn(3, 6, 3)
    lengths = torch.tensor([6, 1, 4]) if ragged else None
    start = random_state(fused, 3)
    results = []
    for net in (fused, written):
        outputs, state = net(x, lengths, start)
        loss = outputs.square().sum() + sum(part.sin().sum() for layer in state for part in layer)
        loss.backward()
        gradients = [
            parameter.grad
            for layer, direction in itertools.product(range(len(net.widths)), range(net.directions))
            for parameter in net.layer_parameters(layer, direction)
        ]
        results.append((outputs, state, gradients))
    torch.testing.assert_close(results[0], results[1], atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("both", [False, True])
def test_full_batches_are_one_call_of_nn_lstm(both) -> None:
    """The fast path is torch's own module with torch's own weights, bit for bit."""
    theirs = nn.LSTM(3, 4, 2, batch_first=True, bidirectional=both)
    net = build("lstm", "auto", 4, 2, both)
    assert len(net.kernels) == 1
    net.kernels[0].load_state_dict(theirs.state_dict())
    x = torch.randn(2, 5, 3)
    expected, (h, c) = theirs(x)
    outputs, state = net(x, lengths=torch.tensor([5, 5]))
    torch.testing.assert_close(outputs, expected, atol=0, rtol=0)
    torch.testing.assert_close(torch.cat([layer[0] for layer in state]), h, atol=0, rtol=0)
    torch.testing.assert_close(torch.cat([layer[1] for layer in state]), c, atol=0, rtol=0)


@every_kind
@pytest.mark.parametrize(("hidden", "layers"), [(4, 1), (4, 2), ([4, 3], 1)])
def test_a_loop_of_step_is_forward(cell, backend, hidden, layers) -> None:
    net = build(cell, backend, hidden, layers)
    x = torch.randn(2, 5, 3)
    start = random_state(net, 2)
    outputs, end = net(x, state=start)
    state = start
    for t in range(5):
        output, state = net.step(x[:, t], state)
        torch.testing.assert_close(output, outputs[:, t], **CLOSE)
    torch.testing.assert_close(state, end, **CLOSE)
    torch.testing.assert_close(net.step(x[:, 0])[0], net(x)[0][:, 0], **CLOSE)


@every_kind
def test_pieces_with_carried_state_are_the_whole(cell, backend) -> None:
    """Ragged pieces too: a sequence that has ended keeps its state."""
    net = build(cell, backend, 4, 2)
    x, lengths = torch.randn(3, 7, 3), torch.tensor([7, 2, 5])
    outputs, end = net(x, lengths)
    first, state = net(x[:, :4], lengths.clamp(max=4))
    second, state = net(x[:, 4:], (lengths - 4).clamp(min=0), state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), outputs, **CLOSE)
    torch.testing.assert_close(state, end, **CLOSE)


@every_kind
@every_shape
@settings(max_examples=5, deadline=None, derandomize=True)
@given(data=st.data())
def test_padding_batch_and_order_change_nothing(cell, backend, hidden, layers, both, data) -> None:
    lengths = torch.tensor(data.draw(st.lists(st.integers(1, 7), min_size=2, max_size=4), label="lengths"))
    order = torch.tensor(data.draw(st.permutations(range(len(lengths))), label="order"))
    rubbish = data.draw(st.sampled_from([0.0, 1e6, float("nan"), float("inf")]), label="padding")
    extra = data.draw(st.integers(0, 3), label="extra steps of padding")
    carried = data.draw(st.booleans(), label="start from a state")

    close = LOOSE if cell == "lstm_layernorm" else CLOSE
    net = build(cell, backend, hidden, layers, both)
    x = torch.randn(len(lengths), int(lengths.max()) + extra, 3)
    x[torch.arange(x.shape[1])[None] >= lengths[:, None]] = rubbish
    start = random_state(net, len(lengths)) if carried else None
    outputs, end = net(x, lengths, start)

    shuffled, shuffled_end = net(x[order], lengths[order], rows(start, order) if start else None)
    torch.testing.assert_close(shuffled, outputs[order], **close)
    torch.testing.assert_close(shuffled_end, rows(end, order), **close)
    for i, length in enumerate(lengths.tolist()):
        one = slice(i, i + 1)
        alone, alone_end = net(x[one, :length], state=rows(start, one) if start else None)
        torch.testing.assert_close(outputs[one, :length], alone, **close)
        torch.testing.assert_close(rows(end, one), alone_end, **close)
        assert not outputs[i, length:].any()


@every_kind
@pytest.mark.parametrize("both", [False, True])
def test_gradients_do_not_see_padding(cell, backend, both) -> None:
    net = build(cell, backend, 4, 2, both)

    def gradients(x: Tensor, lengths: Tensor | None) -> list[Tensor]:
        outputs, end = net(x, lengths)
        loss = outputs.square().sum() + sum(part.sin().sum() for layer in end for part in layer)
        return list(torch.autograd.grad(loss, list(net.parameters())))

    x = torch.randn(2, 6, 3)
    x[1, 3:] = float("nan")
    together = gradients(x, torch.tensor([6, 3]))
    apart = [sum(pair) for pair in zip(gradients(x[:1], None), gradients(x[1:, :3], None), strict=True)]
    close = LOOSE if cell == "lstm_layernorm" else {"atol": 2e-6, "rtol": 1e-5}
    torch.testing.assert_close(together, apart, **close)


@every_kind
@pytest.mark.parametrize("both", [False, True])
def test_an_empty_sequence_keeps_the_state_it_came_with(cell, backend, both) -> None:
    net = build(cell, backend, 4, 2, both)
    start = random_state(net, 2)
    outputs, end = net(torch.randn(2, 4, 3), torch.tensor([4, 0]), start)
    assert not outputs[1].any()
    torch.testing.assert_close(rows(end, slice(1, 2)), rows(start, slice(1, 2)))


@pytest.mark.parametrize("cell", FUSED)
def test_inputs_on_padding_get_no_gradient(cell) -> None:
    net = build(cell, "torch")
    x = torch.randn(2, 4, 3, requires_grad=True)
    net(x, torch.tensor([4, 2]))[0].sum().backward()
    assert x.grad[1, :2].abs().sum() > 0
    assert not x.grad[1, 2:].any()


@pytest.mark.parametrize(
    ("options", "backend"),
    [
        ({"cell": "lstm"}, "torch"),
        ({"cell": "rnn", "activation": "relu"}, "torch"),
        ({"cell": "lstm", "activation": "relu"}, "reference"),
        ({"cell": "gru", "recurrent_dropout": 0.1}, "reference"),
        ({"cell": "lstm1997"}, "reference"),
        ({"cell": "lstm_peephole"}, "reference"),
    ],
)
def test_auto_takes_the_kernels_where_they_can(options, backend) -> None:
    assert Recurrent(3, 4, **options).backend == backend
    if backend == "reference":
        with pytest.raises(UserError, match="backend=torch has no"):
            Recurrent(3, 4, backend="torch", **options)


def test_relu_reaches_the_kernel_and_the_cell() -> None:
    fused = Recurrent(3, 4, "rnn", 2, activation="relu")
    written = Recurrent(3, 4, "rnn", 2, activation="relu", backend="reference")
    copy_parameters(fused, written)
    x, lengths = torch.randn(2, 5, 3), torch.tensor([5, 3])
    assert (fused(x)[0] >= 0).all()
    torch.testing.assert_close(fused(x), written(x), **CLOSE)
    torch.testing.assert_close(fused(x, lengths), written(x, lengths), **CLOSE)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("backend", ["torch", "reference"])
@pytest.mark.parametrize("hidden", [[8, 8], [8, 6]])
def test_dropout_lies_between_layers_and_in_training_only(hidden, backend, ragged) -> None:
    """With all but nothing dropped between the layers, the second one sees no input."""
    torch.manual_seed(0)
    net = Recurrent(3, hidden, dropout=1 - 1e-7, backend=backend)
    lengths = torch.tensor([5, 3]) if ragged else None
    trained, state = net(torch.randn(2, 5, 3), lengths)
    other, other_state = net(torch.randn(2, 5, 3), lengths)
    torch.testing.assert_close(trained, other)
    assert not torch.allclose(state[0][0], other_state[0][0])
    net.eval()
    assert not torch.allclose(net(torch.randn(2, 5, 3), lengths)[0], trained)


def test_recurrent_dropout_draws_one_mask_a_sequence() -> None:
    torch.manual_seed(0)
    net = Recurrent(3, 200, recurrent_dropout=0.25)
    (mask,) = net.dropout_masks(50)
    assert mask.shape == (1, 50, 200)
    assert mask.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert (mask == 0).float().mean() == pytest.approx(0.25, abs=0.02)
    assert not torch.equal(mask[0, 0], mask[0, 1])

    x = torch.randn(50, 4, 3)
    assert not torch.allclose(net(x)[0], net(x)[0]), "forward draws its own masks"
    outputs, _ = net(x, masks=[mask])
    state = net.initial_state(50)
    for t in range(4):
        output, state = net.step(x[:, t], state, [mask])
        torch.testing.assert_close(output, outputs[:, t], **CLOSE)
    by_hand = net.cells[0](x, drop=mask[0])[0]
    torch.testing.assert_close(outputs, by_hand)
    with pytest.raises(ValueError, match="one mask a sequence"):
        net.step(x[:, 0])
    net.eval()
    assert net.dropout_masks(50) is None
    torch.testing.assert_close(net(x)[0], net(x)[0])
    torch.testing.assert_close(net.step(x[:, 0])[0], net(x)[0][:, 0], **CLOSE)


def test_two_directions_have_no_step() -> None:
    with pytest.raises(ValueError, match="no step"):
        Recurrent(3, 4, bidirectional=True).step(torch.randn(2, 3))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cell": "lstn"}, "Did you mean 'lstm'"),
        ({"hidden_size": 0}, "hidden_size=0"),
        ({"hidden_size": []}, "names no layer"),
        ({"hidden_size": [4, 3], "num_layers": 3}, "contradicts"),
        ({"num_layers": 0}, "num_layers=0"),
        ({"dropout": 1.0}, "dropout=1.0"),
        ({"recurrent_dropout": -0.1}, "recurrent_dropout=-0.1"),
        ({"activation": "relu6"}, "Did you mean 'relu'"),
        ({"backend": "cuda"}, "Allowed: auto, torch, reference"),
        ({"cell": "mingru", "weight_drop": 0.1}, "cell=mingru have no place for it"),
        ({"cell": "minlstm", "activation": "relu"}, "Allowed there: tanh"),
        ({"cell": "mlstm", "recurrent_dropout": 0.1}, "cell=mlstm have no place for it"),
        ({"cell": "slstm", "zoneout": 0.1}, "cell=slstm have no place for it"),
        ({"cell": "lstm", "heads": 2}, "cell=lstm have no place for it"),
        ({"cell": "mlstm", "heads": 3}, "heads=3 does not divide hidden_size=4"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(options, words) -> None:
    with pytest.raises(UserError, match=words) as caught:
        Recurrent(**{"input_size": 3, "hidden_size": 4, **options})
    assert "\n" not in str(caught.value)


@every_kind
@pytest.mark.parametrize("ragged", [False, True])
def test_mixed_precision_on_the_cpu(cell, backend, ragged) -> None:
    net = build(cell, backend, [4, 3])
    x, lengths = torch.randn(2, 5, 3), torch.tensor([5, 2]) if ragged else None
    expected, _ = net(x, lengths)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, _ = net(x, lengths, net.initial_state(2))
    outputs.float().sum().backward()
    torch.testing.assert_close(outputs.float(), expected, atol=0.02, rtol=0)


@pytest.mark.gpu
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("cell", FUSED)
@pytest.mark.parametrize("both", [False, True])
def test_padding_on_a_gpu_equals_the_cpu_without_a_warning(cell, both) -> None:
    net = build(cell, "torch", 8, 2, both)
    x, lengths = torch.randn(3, 6, 3), torch.tensor([6, 2, 4])
    expected = net(x, lengths)
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        outputs, state = net.cuda().eval()(x.cuda(), lengths.cuda())  # gradients in eval mode too
    outputs.sum().backward()
    torch.testing.assert_close(outputs.cpu(), expected[0], atol=1e-5, rtol=1e-4)
    for one, other in zip(state, expected[1], strict=True):
        torch.testing.assert_close([part.cpu() for part in one], list(other), atol=1e-5, rtol=1e-4)
