"""CTC against brute force over all paths, and the cases in which other implementations became infinite."""

import itertools
import math
from collections import defaultdict

import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.nets.ctc import Transcriber, ctc_loss, steps_needed
from lstm_lab.nets.ctc_decoding import align, greedy, prefix_beam
from lstm_lab.nets.init import build_core
from lstm_lab.nets.ngram import CharNgram


def log_probs(steps, symbols, seed=0):
    return torch.randn(steps, symbols, generator=torch.Generator().manual_seed(seed)).mul(2).log_softmax(-1)


def collapse(path):
    joined = [symbol for symbol, _ in itertools.groupby(path)]
    return tuple(symbol for symbol in joined if symbol)


def by_brute_force(scores):
    """The probability of every transcript, summed over all paths that say it."""
    total = defaultdict(float)
    for path in itertools.product(range(scores.shape[1]), repeat=len(scores)):
        total[collapse(path)] += math.exp(sum(float(scores[t, s]) for t, s in enumerate(path)))
    return total


@pytest.mark.parametrize("seed", range(6))
def test_a_wide_beam_finds_the_likeliest_transcript(seed):
    scores = log_probs(5, 3, seed)
    total = by_brute_force(scores)
    symbols, score = prefix_beam(scores, width=500, threshold=0)
    best = max(total, key=total.__getitem__)
    assert tuple(symbols) == best
    assert score == pytest.approx(math.log(total[best]), abs=1e-5)


def test_greedy_equals_collapsing_the_best_path():
    scores = torch.stack([log_probs(12, 4, seed) for seed in range(8)])
    lengths = torch.tensor([12, 12, 7, 1, 3, 12, 9, 12])
    found = greedy(scores, lengths)
    for row in range(8):
        path = scores[row, : lengths[row]].argmax(-1).tolist()
        count = found["symbols_lengths"][row]
        assert tuple(found["symbols"][row, :count].tolist()) == collapse(path)
        for symbol, (start, end) in zip(
            found["symbols"][row, :count], found["spans"][row, :count], strict=True
        ):
            assert set(path[start:end]) == {int(symbol)}


def test_a_repeated_symbol_needs_a_blank_between():
    scores = torch.full((3, 2), -20.0)
    scores[[0, 1, 2], [1, 0, 1]] = 0.0
    assert prefix_beam(scores, 4)[0] == [1, 1]
    scores[1] = torch.tensor([-20.0, 0.0])
    assert prefix_beam(scores, 4)[0] == [1]


def test_alignment_is_the_best_path_that_says_the_transcript():
    scores = log_probs(6, 3, 4)
    text = (1, 1, 2)
    best = max(
        (path for path in itertools.product(range(3), repeat=6) if collapse(path) == text),
        key=lambda path: sum(float(scores[t, s]) for t, s in enumerate(path)),
    )
    spans = align(scores, text)
    assert [one for start, end in spans for one in best[start:end]] == [symbol for symbol in best if symbol]
    assert all(start < end for start, end in spans)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))


def test_alignment_says_when_there_is_no_room():
    with pytest.raises(ValueError, match="2 symbols do not fit into 2 steps"):
        align(log_probs(2, 3), (1, 1))
    assert align(log_probs(2, 3), ()) == []


def net(symbols=3):
    class Pass(torch.nn.Module):
        def forward(self, batch):
            return batch.inputs, batch.lengths

    torch.manual_seed(0)
    return Transcriber(Pass(), build_core(2, {"cell": "lstm", "hidden_size": 4}), symbols)


def batch(frames, texts):
    inputs = [torch.randn(count, 2, generator=torch.Generator().manual_seed(count)) for count in frames]
    made = Batch.pad(inputs)
    width = max(map(len, texts))
    padded = torch.tensor([text + [0] * (width - len(text)) for text in texts]).reshape(len(texts), width)
    counts = torch.tensor([len(text) for text in texts])
    return Batch(made.inputs, made.lengths, made.keys, {"transcript": padded, "transcript_lengths": counts})


def test_a_transcript_that_cannot_be_said_is_counted_and_teaches_nothing():
    # [1, 1, 1, 1] takes seven steps: four symbols and three blanks (pytorch/pytorch#18215).
    model = net()
    loss = ctc_loss(model, batch([5, 6], [[1, 1, 1, 1], [1, 2]]))
    assert math.isfinite(float(loss.detach()))
    assert model.zeroed == 1
    loss.backward()
    assert all(weight.grad.isfinite().all() for weight in model.parameters())
    assert steps_needed(torch.tensor([[1, 1, 1, 1], [1, 2, 0, 0]]), torch.tensor([4, 2])).tolist() == [7, 2]


def test_empty_transcripts_are_allowed():
    model = net()
    loss = ctc_loss(model, batch([4, 4], [[], []]))
    blank = model(batch([4, 4], [[], []]))[0][..., 0].sum(1).mean()
    assert float(loss.detach()) == pytest.approx(-float(blank.detach()), rel=1e-5)


def test_padding_does_not_change_the_loss():
    model = net().eval()
    together = ctc_loss(model, batch([4, 9, 6], [[1, 2], [2], [1, 1]]))
    alone = [
        ctc_loss(model, batch([frames], [text])) for frames, text in ((4, [1, 2]), (9, [2]), (6, [1, 1]))
    ]
    assert float(together.detach()) == pytest.approx(float(torch.stack(alone).mean().detach()), rel=1e-5)


COUNTS = {"": {"1": 3, "2": 1, "0": 2}, "0": {"1": 2}, "1": {"0": 2, "2": 1}, "2": {"1": 1}}


def test_ngrams_are_probabilities():
    model = CharNgram(COUNTS, symbols=4)
    for prefix in ((), (1,), (2,), (3, 2), (3,)):
        assert sum(math.exp(model.score(prefix, one)) for one in range(4)) == pytest.approx(1)
    # Behind nothing: (2 + 1 · p(1)) / (2 + 1), p(1) = (3 + 3 / 4) / (6 + 3)
    assert math.exp(model.score((), 1)) == pytest.approx((2 + (3 + 3 / 4) / 9) / 3)


def test_a_language_model_decides_where_the_ear_cannot():
    scores = torch.tensor([[0.0, 0.5, 0.5]]).log().clamp(min=-30)
    model = CharNgram({"": {"2": 9, "1": 1, "0": 10}, "0": {"2": 9, "1": 1}}, 3)
    assert prefix_beam(scores, 4, model, weight=1.0)[0] == [2]
