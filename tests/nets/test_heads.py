"""Heads over a vocabulary: probabilities that sum to one, and agree with the nats they give."""

import pytest
import torch
from torch import nn

from lstm_lab.errors import UserError
from lstm_lab.nets.heads import AdaptiveHead, SoftmaxHead

torch.set_num_threads(1)


def heads():
    table = nn.Embedding(11, 5)
    return {
        "softmax": SoftmaxHead(5, 11),
        "tied": SoftmaxHead(5, 11, table),
        "tied and projected": SoftmaxHead(8, 11, table),
        "adaptive": AdaptiveHead(8, 11, [4, 7]),
        "adaptive, tied": AdaptiveHead(5, 11, [4, 7], table),
        "adaptive, tied and projected": AdaptiveHead(8, 11, [3], table),
    }


@pytest.mark.parametrize("name", list(heads()))
def test_probabilities_sum_to_one_and_agree_with_nats(name):
    torch.manual_seed(0)
    head = heads()[name].double()
    hidden = torch.randn(20, 8 if "projected" in name or name == "adaptive" else 5, dtype=torch.float64)
    log = head.log_probabilities(hidden)
    torch.testing.assert_close(log.exp().sum(-1).float(), torch.ones(20))
    targets = torch.arange(20) % 11
    nats = head.nats(hidden, targets)
    torch.testing.assert_close(nats, -log.gather(1, targets[:, None]).squeeze(1), atol=1e-6, rtol=1e-6)
    nats.sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_a_tied_head_shares_its_weight():
    table = nn.Embedding(3, 2)
    head = SoftmaxHead(2, 3, table)
    with torch.no_grad():
        table.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]))
    scores = torch.tensor([3.0, 10.0, 8.0])  # 1·3, 2·5, 3 + 5
    hidden = torch.tensor([[3.0, 5.0]])
    torch.testing.assert_close(head.log_probabilities(hidden)[0], scores.log_softmax(0))
    assert head.linear.weight is table.weight


@pytest.mark.parametrize("name", ["softmax", "tied", "tied and projected"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.9])
def test_smoothing_is_torchs(name, share):
    """The cheap form has the value of `cross_entropy`, and its gradients."""
    torch.manual_seed(1)
    head, targets = heads()[name].double(), torch.arange(20) % 11
    nn.init.normal_(head.linear.bias)
    hidden = torch.randn(
        20, 8 if "projected" in name else 5, dtype=torch.float64, requires_grad=True
    )  # (N, H)
    ours = head.smoothed(hidden, targets, share)
    theirs = nn.functional.cross_entropy(head.logits(hidden), targets, label_smoothing=share)
    torch.testing.assert_close(ours, theirs)
    inputs = [hidden, *head.parameters()]
    torch.testing.assert_close(torch.autograd.grad(ours, inputs), torch.autograd.grad(theirs, inputs))


def test_cutoffs_are_checked():
    with pytest.raises(UserError, match=r"task\.cutoffs=\[20\] must rise between 1 and 10"):
        AdaptiveHead(4, 11, [20])
