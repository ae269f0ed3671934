"""Eight bits instead of thirty-two: nearly the same answers, a quarter of the size, padding still without effect."""

import pytest
import torch
from omegaconf import OmegaConf

from lstm_lab.compression import quantized
from lstm_lab.compression.int8 import Int8Core
from lstm_lab.doors import compose_config
from lstm_lab.errors import UserError
from lstm_lab.exporting import export
from lstm_lab.nets.recurrent import Recurrent
from lstm_lab.planning import prepare
from lstm_lab.predictor import Predictor
from lstm_lab.training import ranks


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_outputs_are_near_and_padding_stays_without_effect(cell, bidirectional):
    torch.manual_seed(0)
    core = Recurrent(5, 24, cell, 2, bidirectional).eval()
    small = Int8Core(core)
    x, lengths = torch.randn(4, 9, 5), torch.tensor([9, 4, 1, 7])
    with torch.no_grad():
        truth, after = core(x, lengths)
        found, state = small(x, lengths)
        x[1, 4:] = torch.nan  # what lies behind the end of a sequence is never read
        again, _ = small(x, lengths)
    assert (found - truth).abs().max() < 0.03
    assert (state[-1][0] - after[-1][0]).abs().max() < 0.03
    assert not found[1, 4:].any()
    torch.testing.assert_close(again, found)


def predictor_of(*words):
    settings = OmegaConf.to_container(compose_config([*words, "threads=1"]), resolve=True)
    plan = prepare(settings, [*words, "threads=1"], ranks.find_group(settings["trainer"]))
    return Predictor(plan.model, plan.data.processor)


def test_a_file_of_eight_bits_is_less_than_a_third_of_the_size(tmp_path):
    predictor = predictor_of("data=keywords", "model=lstm", "model.hidden_size=128", "frontend.size=128")
    sizes = {}
    for name, one in (("full", predictor), ("int8", quantized(predictor))):
        (tmp_path / name).mkdir()
        sizes[name] = export(one, tmp_path / name, "torch").path.stat().st_size
    assert sizes["int8"] < sizes["full"] / 3
    before = {name: weight.clone() for name, weight in predictor.model.state_dict().items()}
    quantized(predictor)  # the model that was given stays as it is
    assert all(torch.equal(before[name], weight) for name, weight in predictor.model.state_dict().items())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("data=digits_rows", "model=rnn"), "no eight-bit kernel for cell=rnn"),
        (("data=digits_rows", "model=mlstm"), "no eight-bit kernel for cell=mlstm"),
        (("data=echo", "model=lstm"), "goes on from a state"),
        (("data=moving_digits", "model=convlstm"), "networks with a recurrent core"),
    ],
)
def test_what_has_no_such_kernel_is_refused_in_one_line(words, said):
    with pytest.raises(UserError, match=said):
        quantized(predictor_of(*words))


def test_a_translator_goes_on_from_a_state_and_is_refused_in_one_line():
    with pytest.raises(UserError, match="goes on from a state"):
        quantized(predictor_of("data=reverse", "model=seq2seq"))
