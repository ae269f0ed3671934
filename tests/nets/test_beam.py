"""Search: against all sentences there are, greedy as a beam of one, nothing lost, nothing twice."""

import itertools
import math

import pytest
import torch

from lstm_lab.nets.beam import Penalties, Symbols, beam_search, likeliest, sample

END, VOCABULARY = 3, 7
SYMBOLS = Symbols(begin=2, end=END, never=(0, 2))


class Table:
    """Sources and states of a writer whose chances depend on the sentence and the last two symbols."""

    def __init__(self, parts):
        self.parts = parts

    def rows(self, index):
        return Table([part[index] for part in self.parts])


def writer(seed=0, sharp=1.5):
    torch.manual_seed(seed)
    table = (sharp * torch.randn(5, VOCABULARY, VOCABULARY, VOCABULARY)).log_softmax(-1)

    def step(tokens, source, state):
        who, before = source.parts[0], state.parts[0]
        who = who.repeat_interleave(len(tokens) // len(who))  # places of a sentence share its source
        attention = torch.eye(4)[tokens % 4]
        return table[who, before, tokens], attention, Table([tokens])

    return table, step


def search(step, who, size, limit=4, **more):
    count = len(who)
    source, state = Table([torch.tensor(who)]), Table([torch.zeros(count, dtype=torch.long)])
    lengths = torch.full((count,), 4)
    return beam_search(step, source, state, lengths, torch.full((count,), limit), SYMBOLS, size, **more)


def score(table, who, symbols):
    """The log probability of a finished sentence, its end included."""
    total, before, last = 0.0, 0, 2
    for symbol in [*symbols, END]:
        total += float(table[who, before, last, symbol])
        before, last = last, symbol
    return total


def everything(table, who, limit):
    letters = [symbol for symbol in range(VOCABULARY) if symbol not in (0, 2, END)]
    found = [
        (score(table, who, one), list(one))
        for length in range(limit)
        for one in itertools.product(letters, repeat=length)
    ]
    return sorted(found, reverse=True)


@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_finds_the_best_of_all_sentences(seed):
    table, step = writer(seed)
    for who, found in enumerate(search(step, [0, 1, 2], size=400, penalties=Penalties(length=0.0))):
        finished = [one for one in found if one.finished]
        expected = everything(table, who, 4)
        assert [one.symbols.tolist() for one in finished[:10]] == [symbols for _, symbols in expected[:10]]
        for one, (total, _) in zip(finished, expected, strict=False):
            assert one.score == pytest.approx(total, abs=1e-5)


def test_a_beam_of_one_is_greedy():
    table, step = writer(1)
    for who, (one,) in enumerate(search(step, [0, 1, 2, 3, 4], size=1, limit=12)):
        before, last, symbols = 0, 2, []
        while len(symbols) < 12:
            chances = table[who, before, last].clone()
            chances[[0, 2]] = -math.inf
            before, last = last, int(chances.argmax())
            if last == END:
                break
            symbols.append(last)
        assert one.symbols.tolist() == symbols


@pytest.mark.parametrize(("symbols", "count"), [(7, 3), (3, 5), (640, 2), (1000, 5), (6001, 5), (700, 400)])
def test_the_largest_numbers_of_a_row_are_those_of_a_sort(symbols, count):
    torch.manual_seed(symbols)
    scores = torch.randn(6, symbols)
    scores[0, :] = -torch.inf
    scores[1, symbols // 2 :] = -torch.inf
    scores[2, -1], scores[3, 0] = 9.0, 9.0
    ordered = scores.sort(dim=1, descending=True)
    found, numbers = likeliest(scores, count)
    assert torch.equal(found, ordered.values[:, :count])
    assert torch.equal(scores.gather(1, numbers), found)
    assert all(len(set(row)) == len(row) for row in numbers.tolist())


@pytest.mark.parametrize("size", [2, 5, 8])
def test_scores_are_those_of_the_writer_and_nothing_comes_twice(size):
    table, step = writer(2)
    for who, found in enumerate(search(step, [0, 1, 2, 3], size, limit=8)):
        assert 1 <= len(found) <= size
        texts = [tuple(one.symbols.tolist()) for one in found if one.finished]
        assert len(set(texts)) == len(texts)
        for one in found:
            if one.finished:
                assert one.score == pytest.approx(score(table, who, one.symbols.tolist()), abs=1e-5)
                assert one.rank == pytest.approx(one.score / ((6 + len(one.symbols)) / 6))
            assert one.attention.shape == (len(one.symbols), 4)
        ranks = [(one.finished, one.rank) for one in found]
        assert ranks == sorted(ranks, reverse=True)


def test_sentences_do_not_see_each_other():
    _, step = writer(3)
    together = search(step, [0, 1, 2, 3, 4], size=4, limit=9)
    for who in range(5):
        (alone,) = search(step, [who], size=4, limit=9)
        assert [one.symbols.tolist() for one in alone] == [one.symbols.tolist() for one in together[who]]
        assert [one.score for one in alone] == pytest.approx([one.score for one in together[who]])


def test_limits_cut_each_sentence_by_itself():
    table, step = writer(4)
    table[..., END] = -50.0  # never ends
    source, state = Table([torch.tensor([0, 0])]), Table([torch.zeros(2, dtype=torch.long)])
    found = beam_search(step, source, state, torch.tensor([4, 4]), torch.tensor([3, 6]), SYMBOLS, 2)
    assert [len(one[0].symbols) for one in found] == [3, 6]
    assert not any(one.finished for row in found for one in row)


def test_what_ended_comes_before_what_was_cut():
    """Even where what was cut has the better score: it is no sentence."""
    table, step = writer(4)
    table[0] = -9.0
    table[0, 0, 2, 4], table[0, 0, 2, END] = -0.1, -4.0
    table[0, :, :, 4] = -0.01
    (found,) = search(step, [0], size=2, limit=5)
    assert [one.finished for one in found] == [True, False]


def test_no_run_is_written_twice():
    table, step = writer(5)
    table[:] = -20.0
    table[..., 4] = -0.1
    table[..., 5] = -2.0
    (free,), (blocked,) = (search(step, [0], 1, limit=9, no_repeat=size) for size in (0, 2))
    assert free[0].symbols.tolist() == [4] * 9
    runs = list(itertools.pairwise(blocked[0].symbols.tolist()))
    assert len(set(runs)) == len(runs)


def test_penalties_by_hand():
    attention = torch.tensor([[0.5, 0.5, 0.0], [0.9, 0.1, 0.0]])
    assert Penalties(0.0).rank(-3.0, 3, attention, 3) == -3.0
    assert Penalties(1.0).rank(-3.0, 1, attention, 3) == -3.0  # (5 + 1) / 6 = 1
    assert Penalties(1.0).rank(-3.0, 7, attention, 3) == -1.5
    assert Penalties(0.0, 1.0).rank(-3.0, 3, attention, 2) == pytest.approx(-3 + math.log(0.6))


def test_drawing_at_no_temperature_is_greedy_and_rows_draw_for_themselves():
    table, step = writer(6)

    def drawn(who, temperature, **more):
        source, state = Table([torch.tensor(who)]), Table([torch.zeros(len(who), dtype=torch.long)])
        generators = [torch.Generator().manual_seed(one) for one in who]
        return sample(
            step, source, state, torch.full((len(who),), 9), SYMBOLS, generators, temperature, **more
        )

    greedy = search(step, [0, 1, 2], 1, limit=9)
    for (one,), (other,) in zip(drawn([0, 1, 2], 0.0), greedy, strict=True):
        assert one.symbols.tolist() == other.symbols.tolist()
        assert one.score == pytest.approx(other.score, abs=1e-5)
    together = drawn([0, 1, 2], 1.0)
    for who in range(3):
        assert drawn([who], 1.0)[0][0].symbols.tolist() == together[who][0].symbols.tolist()
        if together[who][0].finished:
            symbols = together[who][0].symbols.tolist()
            assert together[who][0].score == pytest.approx(score(table, who, symbols), abs=1e-5)
    assert [one[0].symbols.tolist() for one in drawn([0, 1], 1.0, top_k=1)] == [
        one[0].symbols.tolist() for one in greedy[:2]
    ]
