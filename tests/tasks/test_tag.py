"""Tagging: labels that do not count, padding that is not seen, both ways of judging."""

import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.spec import Spec, Target, Tokens
from lstm_lab.tasks.blueprint import Blueprint
from lstm_lab.tasks.tag import Tag

torch.set_num_threads(1)

SPEC = Spec(Tokens(9), Target("label", 3, names=("H", "E", "C")), length=5)
ONE = torch.ones(1)


def build(**settings):
    torch.manual_seed(0)
    task = Tag(channels=[4], kernel=3, **settings)
    return task, task.build_net(
        Blueprint(SPEC, {"hidden_size": 6, "bidirectional": True}, {}, 0, {"size": 5})
    ).eval()


def batch_of(lengths, labels):
    torch.manual_seed(1)
    tokens = [torch.randint(1, 9, (length,)) for length in lengths]
    batch = Batch.pad(tokens)
    batch.targets["label"] = torch.full(batch.inputs.shape, -100)
    for row, one in enumerate(labels):
        batch.targets["label"][row, : len(one)] = torch.tensor(one)
    return batch


@pytest.mark.parametrize("crf", [False, True])
def test_padding_and_company_change_nothing(crf):
    task, net = build(crf=crf)
    batch = batch_of([7, 2, 4], [])
    together = task.predict([net], ONE, batch)
    for row, length in enumerate(batch.lengths.tolist()):
        alone = task.predict([net], ONE, Batch.pad([batch.inputs[row, :length]]))
        ours, theirs = together["probabilities"][row, :length], alone["probabilities"][0]
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)
        assert together["labels"][row, :length].tolist() == alone["labels"][0].tolist()
        assert not together["probabilities"][row, length:].any()


@pytest.mark.parametrize("crf", [False, True])
def test_labels_that_do_not_count_enter_neither_loss_nor_score(crf):
    task, net = build(crf=crf)
    batch = batch_of([4, 3], [[0, -100, 2, 1], [-100, 1, -100]])
    right, count = task.error(task.predict([net], ONE, batch), batch)
    assert count == 4
    assert 0 <= right <= 4
    loss = task.loss(net, batch)
    if not crf:
        scores = net(batch)
        known = batch.targets["label"] >= 0
        expected = -scores.log_softmax(-1)[known].gather(1, batch.targets["label"][known][:, None]).mean()
        torch.testing.assert_close(loss, expected)
    loss.backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_settings_are_checked():
    with pytest.raises(UserError, match=r"task\.kernel=4 must be odd"):
        Tag(channels=[3], kernel=4).build_net(Blueprint(SPEC, {"hidden_size": 3}, {}, 0))
    with pytest.raises(UserError, match=r"task\.dropout=1"):
        Tag(dropout=1.0)
