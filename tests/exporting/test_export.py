"""An exported file answers as the model does: any batch, any length, piece by piece, with and without this package."""

import json

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from lstm_lab.doors import compose_config
from lstm_lab.errors import UserError
from lstm_lab.exporting import Graph, export
from lstm_lab.planning import prepare
from lstm_lab.predictor import Predictor
from lstm_lab.training import ranks

# A kind of task each, with what is special about its graph.
CASES = {
    "forecast": ["data=airline", "model=lstm", "ensemble=2"],
    "own segments": ["data=airline", "model=gru", "task.head=segment", "task.output=quantiles"],
    "classes": ["data=digits_rows", "model=gru", "model.bidirectional=true", "task.pooling=attention"],
    "waves": ["data=dtmf", "model=lstm", "data.tones.count=160", "model.num_layers=2"],
    "transcripts": ["data=dtmf_numbers", "model=rnn", "data.tones.count=160"],
    "labels": ["data=motifs", "model=lstm"],
    "symbols": ["data=echo", "model=lstm", "model.recurrent_dropout=0.2", "model.num_layers=2"],
    "frames": ["data=moving_digits", "model=convlstm", "model.hidden_size=4"],
    "a scan": ["data=digits_rows", "model=mingru"],
}


def predictor_of(words):
    words = (
        [*words, "threads=1", "model.hidden_size=6"] if "convlstm" not in words[1] else [*words, "threads=1"]
    )
    settings = OmegaConf.to_container(compose_config(words), resolve=True)
    plan = prepare(settings, words, ranks.find_group(settings["trainer"]))
    for weight in plan.model.parameters():  # heads that begin at zero would hide what stands before them
        torch.nn.init.normal_(weight, std=0.3)
    return Predictor(plan.model, plan.data.processor)


@pytest.mark.parametrize("case", CASES)
def test_the_graph_says_what_predict_says(case):
    predictor = predictor_of(CASES[case])
    graph = Graph(predictor)
    answers = dict(zip(graph.names, graph(*graph.example), strict=True))
    if predictor.task.carries or predictor.task.name == "transcribe":
        pytest.skip("predict writes symbols; tests below compare probabilities")
    batch = predictor.processor.to_batch(predictor.processor.example())
    for name, truth in predictor.predict_batch(batch).items():
        if name in answers and truth.is_floating_point():
            torch.testing.assert_close(answers[name][:1], truth, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_torchscript_answers_alike_for_other_batches_and_lengths(case, tmp_path):
    made = export(predictor_of(CASES[case]), tmp_path, "torch")
    assert max(made.differences.values()) <= 1e-5
    assert {batch for batch, _ in made.differences} == {1, 7}
    card = json.loads((tmp_path / "card.json").read_text())
    assert [one["name"] for one in card["inputs"]] == [port.name for port in made.graph.ports]
    assert card["outputs"] == made.graph.names


QUICK = ("classes",)


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=[] if c in QUICK else pytest.mark.slow) for c in CASES]
)
def test_onnx_answers_alike_for_other_batches_and_lengths(case, tmp_path):
    pytest.importorskip("onnxruntime")
    made = export(predictor_of(CASES[case]), tmp_path, "onnx")
    assert max(made.differences.values()) <= 1e-5
    if isinstance(made.graph.ports[0].dims[1], str):
        assert len({length for _, length in made.differences}) == 3


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_stream_read_piece_by_piece_is_the_stream_read_at_once(cell, tmp_path):
    predictor = predictor_of(["data=echo", f"model={cell}", "model.num_layers=2"])
    export(predictor, tmp_path, "torch", state=True)
    loaded = torch.jit.load(str(tmp_path / "model.pt"))
    card = json.loads((tmp_path / "card.json").read_text())
    shapes = [one["shape"] for one in card["inputs"] if one["name"].startswith("state_")]
    symbols = torch.randint(1, 5, (3, 20))

    def start():
        return [torch.zeros([3 if size == "batch" else size for size in shape]) for shape in shapes]

    whole = loaded(symbols, torch.full((3,), 20), *start())[0]
    state, pieces = start(), []
    for piece in symbols.split(7, dim=1):
        answer, *state = loaded(piece, torch.full((3,), piece.shape[1]), *state)
        pieces.append(answer)
    torch.testing.assert_close(torch.cat(pieces, 1), whole, rtol=1e-5, atol=1e-6)
    assert torch.allclose(whole.exp().sum(-1), torch.ones(3, 20), atol=1e-5)


def test_places_that_have_a_vector_each_bound_the_length(tmp_path):
    words = ["data=keywords", "model=lstm", "frontend.positions=40"]
    predictor = predictor_of(words)
    made = export(predictor, tmp_path, "torch")
    assert json.loads((tmp_path / "card.json").read_text())["longest"] == 40
    assert max(length for _, length in made.differences) <= 40
    with pytest.raises(UserError, match=r"a sequence of 41 symbols: frontend.positions=40"):
        made.graph(torch.ones(1, 41, dtype=torch.int64), torch.tensor([41]))


@pytest.mark.slow
def test_a_stream_through_onnx_runtime(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    predictor = predictor_of(["data=digits_rows", "model=lstm", "ensemble=1"])
    export(predictor, tmp_path, "onnx", state=True)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    rows = torch.randn(2, 8, 8)
    with torch.inference_mode():
        from lstm_lab.batch import Batch

        batch = Batch(rows, torch.tensor([8, 8]), torch.arange(2))
        truth = predictor.predict_batch(batch)["probabilities"].numpy()
    parts = [np.zeros((1, 2, 6), np.float32)] * 2
    for piece in rows.split(3, dim=1):
        names = [one.name for one in session.get_inputs()]
        given = [piece.numpy(), np.full(2, piece.shape[1]), *parts]
        found, *parts = session.run(None, dict(zip(names, given, strict=True)))
    np.testing.assert_allclose(found, truth, rtol=1e-5, atol=1e-6)


def test_a_cell_without_a_kernel_has_a_fixed_length_and_says_so(tmp_path):
    predictor = predictor_of(["data=digits_rows", "model=lstm_peephole"])
    made = export(predictor, tmp_path, "torch", steps=11)
    assert made.graph.ports[0].dims == ("batch", 11, 8)
    assert max(made.differences.values()) <= 1e-5
    with pytest.raises(UserError, match="takes any length"):
        export(predictor_of(["data=digits_rows", "model=lstm"]), tmp_path, "torch", steps=11)


@pytest.mark.parametrize(
    ("words", "state", "said"),
    [
        (["data=reverse", "model=seq2seq"], False, "a search over sentences"),
        (["data=mirrors", "model=lstm"], False, "a search over fillings"),
        (["data=digits_rows", "model=lstm", "model.bidirectional=true"], True, "starts at the end"),
        (["data=digits_rows", "model=lstm", "task.pooling=mean"], True, "more than the state of its core"),
        (["data=airline", "model=lstm", "ensemble=1"], True, "no state outlives it"),
    ],
)
def test_what_one_graph_cannot_hold_is_refused_and_nothing_is_written(words, state, said, tmp_path):
    with pytest.raises(UserError, match=said):
        export(predictor_of(words), tmp_path, "torch", state=state)
    assert list(tmp_path.iterdir()) == []
