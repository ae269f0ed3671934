"""Eight bits instead of thirty-two: nearly the same answers, a quarter of the size; batch and pieces change nothing."""

import pytest
import torch
from omegaconf import OmegaConf

from lstm_lab.batch import Batch
from lstm_lab.compression import quantized
from lstm_lab.compression.core import Int8Core
from lstm_lab.doors import compose_config
from lstm_lab.errors import UserError
from lstm_lab.exporting import export
from lstm_lab.nets.recurrent import Recurrent
from lstm_lab.planning import prepare
from lstm_lab.predictor import Predictor
from lstm_lab.training import ranks

LENGTHS = torch.tensor([9, 4, 1, 7, 0])


def core_of(cell, **changes):
    torch.manual_seed(0)
    settings = {"hidden_size": 24, "num_layers": 2, **changes}
    return Recurrent(24, settings.pop("hidden_size"), cell, **settings).eval().requires_grad_(False)


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def alike(states, others):
    """Whether two states are equal, but for the last digit of a hyperbolic tangent on another processor."""
    flat = [[part for layer in state for part in layer] for state in (states, others)]
    return all(torch.allclose(one, other, rtol=0, atol=1e-6) for one, other in zip(*flat, strict=True))


def row_of(state, row):
    return [[part[:, row] for part in layer] for layer in state]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("reach", [None, 2.0])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_outputs_and_states_are_near_and_padding_stays_without_effect(cell, reach, bidirectional):
    core = core_of(cell, bidirectional=bidirectional)
    small = Int8Core(core, reach)
    x = torch.randn(5, 9, 24).clamp(-2, 2)
    truth, ends = core(x, LENGTHS)
    found, state = small(x, LENGTHS)
    x[1, 4:] = torch.nan  # what lies behind the end of a sequence is never read
    again, after = small(x, LENGTHS)
    assert 0 < (found - truth).abs().max() < 0.03
    for layer, expected in zip(state, ends, strict=True):
        for part, whole in zip(layer, expected, strict=True):
            assert (part - whole).abs().max() < 0.06  # c is not bounded by 1
            assert not part[:, 4].any()  # nothing was read
    assert not found[1, 4:].any()
    assert torch.equal(again, found)
    assert alike(after, state)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("changes", [{}, {"residual": True}, {"hidden_size": [7, 12], "num_layers": 1}])
def test_company_and_pieces_change_nothing(cell, changes):
    small = Int8Core(core_of(cell, **changes), reach=2.0)
    x = (2 * torch.randn(5, 9, 24)).clamp(-2, 2)
    x[0, 0, 0] = 2.0  # one sequence reaches as far as it may, another hardly anywhere
    x[1] *= 0.01
    together, state = small(x, LENGTHS)
    for row, length in enumerate(LENGTHS[:4].tolist()):
        alone, end = small(x[row : row + 1, :length])
        torch.testing.assert_close(alone[0], together[row, :length], rtol=0, atol=1e-6)
        assert alike(row_of(end, 0), row_of(state, row))
    whole, end = small(x)
    for sizes in ([1] * 9, [4, 5], [8, 1]):
        pieces, state = [], None
        for piece in x.split(sizes, dim=1):
            outputs, state = small(piece, None, state)
            pieces.append(outputs)
        torch.testing.assert_close(torch.cat(pieces, 1), whole, rtol=0, atol=1e-6)
        assert alike(state, end)
    # The state is float: nothing of it is rounded on the way from one piece to the next.
    assert all(part.dtype == torch.float32 for layer in state for part in layer)


def test_one_weight_far_out_costs_its_own_row_only():
    core = core_of("lstm", num_layers=1)
    truth, _ = core(torch.ones(1, 9, 24))
    weight_ih, _, _, bias_hh = core.layer_parameters(0, 0)
    weight_ih[3, 0] += 100.0  # an input gate that is open anyway
    bias_hh[3] += 100.0
    far, _ = core(torch.ones(1, 9, 24))
    found, _ = Int8Core(core, 1.0)(torch.ones(1, 9, 24))
    others = [unit for unit in range(24) if unit != 3]
    assert (far - truth)[..., 3].abs().max() > 0.01
    assert (found - far)[..., others].abs().max() < 0.03


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_no_weight_of_a_core_is_off_by_more_than_half_a_step(cell):
    core = core_of(cell, num_layers=1)
    kernel = Int8Core(core, 2.0).kernels[0]
    packed = kernel.weights.__getstate__()[0][4]
    for one, weight in zip(packed, core.layer_parameters(0, 0)[:2], strict=True):
        kept, _ = one.unpack()
        rows = kept.dequantize().unflatten(0, (-1, 26))  # of each gate the units, and two that are held
        assert not rows[:, 24:].any()
        assert not rows[:, :, 24:].any()
        steps = weight.abs().amax(1, keepdim=True) / 127
        off = (rows[:, :24, :24].flatten(0, 1) - weight).abs()
        assert (off <= 0.504 * steps).all()
        assert (off > 0.3 * steps).any()


def predictor_of(*words):
    settings = OmegaConf.to_container(compose_config([*words, "threads=1"]), resolve=True)
    plan = prepare(settings, [*words, "threads=1"], ranks.find_group(settings["trainer"]))
    return Predictor(plan.model, plan.data.processor)


@pytest.mark.parametrize(
    "words",
    [
        ("data=keywords", "frontend.size=128"),
        ("data=echo", "frontend.size=1500", "task.tied=true"),  # most of it is the table that both ends share
    ],
)
def test_a_file_of_eight_bits_is_less_than_a_third_of_the_size(words, tmp_path):
    predictor = predictor_of(*words, "model=lstm", "model.hidden_size=128")
    sizes = {}
    for name, one in (("full", predictor), ("int8", quantized(predictor))):
        (tmp_path / name).mkdir()
        sizes[name] = export(one, tmp_path / name, "torch").path.stat().st_size
    assert sizes["int8"] < sizes["full"] / 3
    before = {name: weight.clone() for name, weight in predictor.model.state_dict().items()}
    quantized(predictor)  # the model that was given stays as it is
    assert all(torch.equal(before[name], weight) for name, weight in predictor.model.state_dict().items())


@pytest.mark.parametrize(
    "words",
    [
        ("model=lstm", "model.num_layers=2"),
        ("model=gru", "task.tied=false", "ensemble=2"),
        ("model=gru", "task.head=adaptive", "task.cutoffs=[4,8]"),
    ],
)
def test_a_language_model_goes_on_and_says_nearly_the_same(words):
    full = predictor_of("data=echo", "model.hidden_size=12", *words)
    predictor = quantized(full)
    symbols = torch.randint(1, 12, (3, 20))
    truth, found = (
        one.task.undecoded(list(one.model.members), one.model.weights, batch_of(symbols))["log_probabilities"]
        for one in (full, predictor)
    )
    assert 0 < (found - truth).abs().max() < 0.1
    assert torch.allclose(found.exp().sum(-1), torch.ones(3, 20), atol=1e-5)
    stream, pieces = predictor.stream(), []
    for symbol in symbols[1]:
        pieces.append(stream.read(batch_of(symbol.view(1, 1)))["log_probabilities"])
    torch.testing.assert_close(torch.cat(pieces, 1), found[1:2], rtol=0, atol=1e-5)


def batch_of(symbols):
    rows, steps = symbols.shape
    return Batch(symbols, torch.full((rows,), steps), torch.arange(rows))


@pytest.mark.parametrize("places", [0, 40])
def test_a_classifier_of_symbols_streams_as_well(places):
    words = ["data=keywords", "model=lstm", "task.pooling=attention", f"frontend.positions={places}"]
    full = predictor_of(*words, "model.hidden_size=12")
    if places:  # they begin as zeros
        full.model.members[0].frontend.places.normal_()
    predictor = quantized(full)
    batch = predictor.processor.to_batch(predictor.processor.example())
    whole = predictor.predict_batch(batch)["probabilities"][:1]
    stream = predictor.stream()
    for symbol in batch.inputs[0, : batch.lengths[0]]:
        found = stream.read(batch_of(symbol.view(1, 1)))["probabilities"]
    torch.testing.assert_close(found, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "words",
    [
        (),
        pytest.param(("model.decoder.tied=none", "model.decoder.attention=bahdanau"), marks=pytest.mark.slow),
    ],
)
def test_a_translator_writes_with_eight_bits(words):
    full = predictor_of("data=reverse", "model=seq2seq", "model.hidden_size=12", *words)
    truth, found = (one.predict(steps=6) for one in (full, quantized(full)))
    assert list(found.columns) == list(truth.columns)
    assert (found["score"] - truth["score"]).abs().max() < 0.1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("data=digits_rows", "model=rnn"), "no eight-bit kernel for cell=rnn"),
        (("data=digits_rows", "model=mlstm"), "no eight-bit kernel for cell=mlstm"),
        (("data=echo", "model=slstm"), "no eight-bit kernel for cell=slstm"),
        (("data=echo", "model=lstm", "model.zoneout=0.1"), "without zoneout"),
        (("data=moving_digits", "model=convlstm"), "networks with a recurrent core"),
        pytest.param(
            ("data=reverse", "model=seq2seq", "model.decoder.input_feeding=true"),
            "input_feeding=false",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_has_no_such_kernel_is_refused_in_one_line(words, said):
    with pytest.raises(UserError, match=said):
        quantized(predictor_of(*words))


def test_numbers_are_rounded_by_their_range_so_that_no_stream_is_carried(tmp_path):
    predictor = quantized(predictor_of("data=digits_rows", "model=lstm"))
    with pytest.raises(
        UserError, match=r"stream=true: quantize=int8 rounds numbers by their range .* not the whole"
    ):
        predictor.stream()
    with pytest.raises(UserError, match="state=true: quantize=int8 rounds numbers by their range"):
        export(predictor, tmp_path, "torch", state=True)
