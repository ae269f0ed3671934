"""The task of transcription: what it refuses before training, and how search and best path compare."""

import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.models import GRU
from lstm_lab.spec import Spec, Target, Values
from lstm_lab.tasks import Transcribe

NAMES = ("", " ", "a", "b")
SPEC = Spec(Values(("x1", "x2")), Target("transcript", 4, names=NAMES))
SPEECH = {"name": "speech"}


def model(statistics=None, frontend=None, **settings):
    return GRU(
        SPEC,
        {"name": "transcribe", **settings},
        statistics or {},
        hidden_size=6,
        frontend=frontend or SPEECH,
        seed=0,
    ).eval()


def batch():
    inputs = [torch.randn(count, 2, generator=torch.Generator().manual_seed(count)) for count in (9, 5, 1)]
    made = Batch.pad(inputs)
    texts = torch.tensor([[2, 1, 3], [3, 0, 0], [0, 0, 0]])
    targets = {"transcript": texts, "transcript_lengths": torch.tensor([3, 1, 0])}
    return Batch(made.inputs, made.lengths, made.keys, targets)


def test_clips_without_room_for_their_transcripts_are_named_before_training():
    tight = {"tightest": [["some/clip.wav", 7, 4], ["other.wav", 30, 4]]}
    model(tight)
    coarse = {"name": "speech", "channels": [2], "time_strides": [3], "kernel": [3, 1]}
    with pytest.raises(UserError, match=r"some/clip\.wav \(3 steps, 4 needed\)\. Take less subsampling"):
        model(tight, coarse)


def test_edits_are_summed_over_symbols():
    task, one = Transcribe(), batch()
    predictions = {
        "symbols": torch.tensor([[2, 3], [3, 0], [2, 0]]),
        "symbols_lengths": torch.tensor([2, 1, 1]),
    }
    total, count = task.error(predictions, one)
    assert (float(total), float(count)) == (2.0, 4.0)  # one deleted, one inserted


def test_a_search_without_a_language_model_is_never_worse_than_the_best_path():
    net, one = model(), batch()
    with torch.no_grad():
        path = net.task.infer(list(net.members), net.weights, one)
        found = net.task.infer(list(net.members), net.weights, one, beam=20, language=0.0, bonus=0.0)
    assert (found["score"] >= path["score"] - 1e-4).all()
    assert found["spans"].shape == (*found["symbols"].shape, 2)


def test_ngrams_change_what_the_search_finds():
    counts = {"": {"3": 98, "0": 2}}
    net, one = model({"ngrams": counts}), batch()
    with torch.no_grad():
        found = net.task.infer(list(net.members), net.weights, one, beam=8, language=3.0, bonus=3.0)
    said = found["symbols"][found["symbols"] > 0]
    assert (said == 3).float().mean() > 0.9


def test_members_average_their_log_probabilities():
    net, one = model(), batch()
    single, lengths = net.members[0](one)
    both, _ = net.task.log_probs([net.members[0]] * 2, torch.tensor([0.5, 0.5]), one)
    torch.testing.assert_close(both, single)
    assert lengths.tolist() == [9, 5, 1]


def test_it_can_overfit_a_batch():
    torch.manual_seed(0)
    net = GRU(SPEC, {"name": "transcribe"}, {}, hidden_size=24, frontend=SPEECH, seed=0)
    optimiser, one = torch.optim.Adam(net.parameters(), 0.02), batch()
    for _ in range(150):
        optimiser.zero_grad()
        net.task.loss(net.members[0], one).backward()
        optimiser.step()
    net.eval()
    total, _ = net.task.error(net(one), one)
    assert total == 0
