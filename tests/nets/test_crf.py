"""The random field against sums over all paths, labels that are not known, and padding."""

import itertools

import pytest
import torch

from lstm_lab.nets.crf import CRF

torch.set_num_threads(1)


@pytest.fixture
def field():
    torch.manual_seed(0)
    field = CRF(3).double()
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return field, torch.randn(2, 4, 3, dtype=torch.float64), torch.tensor([4, 2])


def paths(field, scores, length):
    """Every path of one sequence with its score, the sum over places and pairs."""
    for path in itertools.product(range(3), repeat=length):
        total = field.begins[path[0]] + field.ends[path[-1]] + sum(scores[t, k] for t, k in enumerate(path))
        yield path, total + sum(field.follows[a, b] for a, b in itertools.pairwise(path))


def test_the_probability_of_known_labels_is_a_share_of_all_paths(field):
    field, scores, lengths = field
    labels = torch.tensor([[1, -100, 2, 0], [2, 0, -100, -100]])
    nats = field.nats(scores, labels, lengths)
    for row, length in enumerate([4, 2]):
        every = dict(paths(field, scores[row], length))
        wanted = labels[row, :length].tolist()
        right = [
            value
            for path, value in every.items()
            if all(w in (-100, k) for w, k in zip(wanted, path, strict=True))
        ]
        share = torch.stack(right).logsumexp(0) - torch.stack(list(every.values())).logsumexp(0)
        torch.testing.assert_close(nats[row], -share)


def test_the_best_path_and_the_marginals_are_those_of_all_paths(field):
    field, scores, lengths = field
    best, marginals = field.best(scores, lengths), field.marginals(scores, lengths)
    for row, length in enumerate([4, 2]):
        every = dict(paths(field, scores[row], length))
        assert best[row, :length].tolist() == list(max(every, key=lambda path: float(every[path])))
        total = torch.stack(list(every.values())).logsumexp(0)
        for t, k in itertools.product(range(length), range(3)):
            through = torch.stack([value for path, value in every.items() if path[t] == k]).logsumexp(0)
            torch.testing.assert_close(marginals[row, t, k], (through - total).exp())
    assert not best[1, 2:].any()


def test_padding_may_hold_anything(field):
    field, scores, lengths = field
    labels = torch.tensor([[1, 0, 2, 0], [2, 0, -100, -100]])
    alone = field.nats(scores[1:, :2], labels[1:, :2], lengths[1:])
    torch.testing.assert_close(field.nats(scores, labels, lengths)[1:], alone)
