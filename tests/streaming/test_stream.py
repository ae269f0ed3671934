"""A stream says after each step what a prediction of all steps so far says; what cannot is refused in one line."""

import re
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from omegaconf import OmegaConf

from lstm_lab.batch import Batch
from lstm_lab.data.timeseries.frequency import extend
from lstm_lab.data.video.keypoints import KeypointProcessor
from lstm_lab.doors import compose_config
from lstm_lab.errors import UserError
from lstm_lab.models import SequenceModel
from lstm_lab.nets.cell import CELLS
from lstm_lab.nets.classifier import SequenceClassifier
from lstm_lab.nets.cnn import SmallCNN
from lstm_lab.nets.frontend import Standardise
from lstm_lab.nets.pooling import POOLINGS
from lstm_lab.nets.recurrent import Recurrent
from lstm_lab.planning import prepare
from lstm_lab.predictor import Predictor
from lstm_lab.spec import Frames, Values
from lstm_lab.streaming.parts import carry
from lstm_lab.streaming.readers import Keypoints
from lstm_lab.training import ranks

# One data set for each task that reads step by step, by the front ends and poolings that it meets.
DATA = {
    "rows": ["data=digits_rows", "task.pooling=max"],
    "symbols": ["data=keywords", "task.pooling=attention"],
    "places": ["data=keywords", "frontend.positions=200", "task.pooling=mean"],
    "sounds": ["data=dtmf", "data.tones.count=160", "task.pooling=mean"],
    "waves": ["data=dtmf", "data.tones.count=160", "data.inputs=wave", "task.pooling=last"],
    "regress": ["data=adding", "data.sequences=60", "data.tests=4", "data.longest=24", "data.lags=[30]"],
    "tag": ["data=motifs", "task.crf=false", "task.channels=[]"],
    "language": ["data=echo"],
}
PIECE = {"waves": 700}  # samples at a time; else a step at a time


@cache
def prepared(*words):
    """The parts of a small plan, which the cells share."""
    words = ["model=lstm", "model.hidden_size=6", "model.num_layers=2", "ensemble=2", "threads=1", *words]
    settings = OmegaConf.to_container(compose_config(words), resolve=True)
    plan = prepare(settings, words, ranks.find_group(settings["trainer"]))
    return dict(plan.model.hparams), plan.data.processor, next(iter(plan.data.test_dataloader()))


def predictor_of(*words, **changes):
    settings, processor, batch = prepared(*words)
    model = SequenceModel(**{**settings, "bidirectional": False, **changes}).eval()
    torch.manual_seed(0)
    for weight in model.parameters():  # what begins at zero would be equal to anything
        if weight.requires_grad and not weight.any():
            torch.nn.init.normal_(weight, std=0.1)
    return Predictor(model, processor), batch


@torch.inference_mode()
def whole(predictor, batch):
    nets, weights, task = list(predictor.model.members), predictor.model.weights, predictor.task
    found = task.undecoded(nets, weights, batch)
    found.pop("steps", None)  # of a whole clip; a piece has its own
    return found


def cut(inputs, start, end):
    piece = inputs[None, start:end]
    return Batch(piece, torch.tensor([piece.shape[1]]), torch.zeros(1, dtype=torch.long))


# Front ends that share their core's way with another row meet every cell in the slow tests only.
PAIRS = [
    pytest.param(
        kind, cell, marks=(pytest.mark.slow,) if kind in ("places", "waves") and cell != "lstm" else ()
    )
    for kind in DATA
    for cell in CELLS
]


@pytest.mark.parametrize(("kind", "cell"), PAIRS)
def test_each_task_and_cell_reads_on_as_it_reads_the_whole(kind, cell):
    predictor, batch = predictor_of(*DATA[kind], cell=cell)
    size = PIECE.get(kind, 1)
    inputs = batch.inputs[0, : batch.lengths[0]][: 12 * size]
    stream, answers = predictor.stream(), []
    for start in range(0, len(inputs), size):
        last = start + size >= len(inputs)
        answers.append(stream.read(cut(inputs, start, start + size), last=last))
    along = {"tag": "probabilities", "language": "log_probabilities"}.get(predictor.task.name)
    if along:
        pieces, expected = (
            torch.cat([one[along] for one in answers], 1),
            whole(predictor, cut(inputs, 0, len(inputs))),
        )
        torch.testing.assert_close(pieces, expected[along], rtol=1e-5, atol=1e-5)
        return
    name = "number" if predictor.task.name == "regress" else "probabilities"
    prefixes = [len(inputs)] if kind in ("sounds", "waves") else [1, 2, len(inputs) // 2, len(inputs)]
    for end in prefixes:
        expected = whole(predictor, cut(inputs, 0, end))[name]
        torch.testing.assert_close(answers[-(-end // size) - 1][name], expected, rtol=1e-5, atol=1e-5)


def test_every_pooling_goes_on():
    torch.manual_seed(0)
    core = Recurrent(3, 4)
    inputs = torch.randn(9, 3) * 5
    for pooling in POOLINGS:
        net = SequenceClassifier(Standardise(Values(("a", "b", "c")), {}), core, 2, pooling).eval()
        carried, _ = carry(net)
        for end in range(1, 10):
            found = carried(cut(inputs, end - 1, end))
            torch.testing.assert_close(found, net(cut(inputs, 0, end)), rtol=1e-5, atol=1e-6)


def test_a_front_end_that_looks_back_a_frame_keeps_it():
    torch.manual_seed(0)
    front = SmallCNN(Frames(1, 8, 8), {}, widths=[4], motion=True)
    net = SequenceClassifier(front, Recurrent(4, 5), 3).eval()
    frames = torch.randint(0, 256, (6, 1, 8, 8), dtype=torch.uint8)
    carried, _ = carry(net)
    for end in (1, 2, 4, 6):  # pieces of one frame and of two
        found = carried(cut(frames, {1: 0, 2: 1, 4: 2, 6: 4}[end], end))
        torch.testing.assert_close(found, net(cut(frames, 0, end)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", ["convlstm", "predrnn"])
def test_frames_are_predicted_after_each_that_comes(model):
    small = ["data.sequences=8", "data.validation=2", "data.test=2", "data.size=16", "data.digit_size=8"]
    predictor, batch = predictor_of("data=moving_digits", f"model={model}", *small)
    stream = predictor.stream()
    for end in range(1, 6):
        picture = batch.inputs[0, end - 1].permute(1, 2, 0).numpy()
        found = stream.push(picture)
        expected = whole(predictor, cut(batch.inputs[0], 0, end))["frames"][0]
        torch.testing.assert_close(found["frames"], expected, rtol=1e-5, atol=1e-5)
    assert found["error"] > 0


def test_a_transcript_comes_bit_by_bit():
    predictor, _ = predictor_of("data=dtmf_numbers", "data.tones.count=160", "data.tones.keys=[3,5]")
    wave = predictor.processor.waves(predictor.processor.example())[0]
    stream = predictor.stream()
    found = [stream.push(piece) for piece in wave.split(777)] + [stream.finish()]
    text = "".join(one["text"] for one in found if one)
    assert text == predictor.predict(wave, beam=0)["text"][0]
    assert text


@pytest.mark.parametrize("words", [["data=sine", "data.points=80"], ["data=airline", "task.head=segment"]])
def test_a_forecast_follows_each_row(words):
    predictor, _ = predictor_of(*words)
    table = predictor.processor.example()
    name = table.columns[0]
    more = pd.concat(
        [table, predictor.predict(table)[["forecast"]].set_axis([name], axis=1)]
    )  # goes on from its end
    more.index = table.index.append(extend(table.index, len(more) - len(table), predictor.processor.freq))
    stream = predictor.stream()
    answers = [stream.push(row, time) for time, row in zip(more.index, more[name], strict=True)]
    assert answers[: len(table) - 1] == [None] * (len(table) - 1)
    for end in (len(table), len(table) + 1, len(more)):
        expected = predictor.predict(more.iloc[:end])
        assert answers[end - 1]["forecast"] == pytest.approx(expected["forecast"].tolist(), rel=1e-5)
        assert answers[end - 1]["time"][0] == (
            stamp.isoformat() if isinstance(stamp := expected.index[0], pd.Timestamp) else str(stamp)
        )
    with pytest.raises(UserError, match="was next"):
        stream.push(1.0, more.index[0])


def test_a_series_that_was_begun_forecasts_at_once():
    predictor, _ = predictor_of("data=sine", "data.points=80")
    table = predictor.processor.example()
    stream = predictor.stream(begun=True)
    assert list(stream.predict()["forecast"]) == list(predictor.predict()["forecast"])
    assert stream.push(0.5)["time"][0] == str(table.index[-1] + 2)


def test_a_long_stream_of_rows_neither_grows_nor_loses_its_season():
    predictor, _ = predictor_of("data=airline")
    first = predictor.processor.index()[0]
    stamps = pd.date_range(first, periods=130, freq="MS")
    values = pd.Series(200 + 50 * np.sin(np.arange(130) / 6), index=stamps)
    stream = predictor.stream()
    for stamp, value in values.items():
        found = stream.push(value, stamp)
        if found and len(stream.state["rows"]) == stream.needed:
            size = stream.size
    assert size == stream.needed
    table = values.to_frame(predictor.processor.targets[0])
    assert found["forecast"] == pytest.approx(predictor.predict(table)["forecast"].tolist(), rel=1e-5)


def test_words_rows_and_labels_are_said_as_a_user_says_them():
    predictor, _ = predictor_of(*DATA["symbols"])
    text = predictor.processor.sample
    stream = predictor.stream()
    for symbol in stream.reader.pieces(text):
        found = stream.push(symbol)
    expected = predictor.predict(text).iloc[0]
    assert found["label"] == expected["label"]
    assert found["probability"] == pytest.approx(expected["probability"], abs=1e-5)
    predictor, _ = predictor_of(*DATA["tag"])
    stream = predictor.stream()
    labels = [label for letter in predictor.processor.sample for label in stream.push(letter)["labels"]]
    assert "".join(labels) == predictor.predict(predictor.processor.sample)["labels"][0]
    with pytest.raises(UserError, match="'!' at place 1 was never seen"):
        stream.push("!")


def test_bits_are_those_of_the_whole_text():
    predictor, _ = predictor_of(*DATA["language"])
    text = "ann red big old\nbob"
    stream = predictor.stream()
    bits = [bit for symbol in stream.reader.pieces(text) for bit in stream.push(symbol)["bits"]]
    tokens = torch.from_numpy(predictor.processor.tokenizer.encode(text))
    ahead = whole(predictor, cut(tokens, 0, len(tokens)))["log_probabilities"][0]
    expected = -ahead[:-1].gather(1, tokens[1:, None])[:, 0] / np.log(2)
    assert bits == pytest.approx(expected.tolist(), abs=1e-5)


def test_a_point_out_of_sight_stands_still_in_a_stream_too():
    processor = KeypointProcessor(2, zeros=True, velocity=True, middle=[0.3, 0.0], classes=["a", "b"])
    sample = np.array([[0, 2], [1, np.nan], [0, 5], [0, 0], [7, 0]], np.float32)
    reader = Keypoints(processor)
    steps = torch.cat([reader.read(row) for row in sample])
    torch.testing.assert_close(steps, processor.sequence(sample)[0])


def test_what_is_remembered_does_not_grow():
    for words in (DATA["symbols"], DATA["language"]):
        predictor, _ = predictor_of(*words)
        stream, sizes = predictor.stream(), set()
        symbols = stream.reader.pieces(getattr(predictor.processor, "sample", ""))
        for number in range(100):
            stream.push(symbols[number % len(symbols)])
            sizes.add(stream.size)
        assert len(sizes) == 1
    predictor, _ = predictor_of(*DATA["sounds"])
    stream = predictor.stream()
    sizes = [(stream.push(torch.rand(100)), stream.size)[1] for _ in range(200)]
    assert max(sizes[20:]) == max(sizes[120:])


def test_reset_begins_anew():
    predictor, _ = predictor_of(*DATA["rows"])
    stream = predictor.stream()
    rows = np.random.default_rng(0).integers(0, 256, (8, 8))
    first = [stream.push(row) for row in rows]
    stream.reset()
    assert [stream.push(row) for row in rows] == first
    with pytest.raises(UserError, match="a row of 3 numbers; a sample of this stream is a row of 8 numbers"):
        stream.push([1, 2, 3])


REFUSED = {
    "model.bidirectional=false": (DATA["rows"], {"bidirectional": True}),
    "task.crf=false": (["data=motifs", "task.crf=true"], {}),
    "task.channels=": (["data=motifs", "task.channels=[4]"], {}),
    "data.permuted=false": (["data=digits_rows", "data.permuted=true"], {}),
    "frontend.normalise=global": (["data=dtmf", "data.tones.count=160", "frontend.normalise=clip"], {}),
    "give whole sequences": (["data=mirrors"], {}),
    "give whole sentences": (["data=reverse", "model=seq2seq", "data.count=100"], {}),
}


@pytest.mark.parametrize("change", REFUSED)
def test_what_must_see_the_whole_is_refused_with_what_to_change(change):
    words, changes = REFUSED[change]
    settings, processor, _ = prepared(*words)
    model = SequenceModel(**{**settings, **(changes or {"bidirectional": False})})
    with pytest.raises(UserError, match=re.escape(change)) as told:
        Predictor(model, processor).stream()
    assert "\n" not in str(told.value)
