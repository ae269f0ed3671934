"""Language modelling: chunks against the whole, padding, mixtures, and writing that no neighbour changes."""

import itertools

import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.data.text.streams import Streams
from lstm_lab.errors import UserError
from lstm_lab.spec import Spec, Target, Tokens
from lstm_lab.tasks.blueprint import Blueprint
from lstm_lab.tasks.language import Language

torch.set_num_threads(1)

SPEC = Spec(Tokens(12, specials=4), Target("next", 12), length=5)
ONE = torch.ones(1)


def build(task=None, **core):
    torch.manual_seed(0)
    task = task or Language()
    settings = {"hidden_size": 8, "num_layers": 2, "cell": "lstm", **core}
    return task, task.build_net(Blueprint(SPEC, settings, {}, 0, {"size": 6})).eval()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "lstm_layernorm"])
@pytest.mark.parametrize("readers", [1, 3])
def test_a_text_in_chunks_gives_the_loss_of_the_text_at_once(cell, readers):
    task, net = build(cell=cell)
    tokens = torch.randint(4, 12, (44,), generator=torch.Generator().manual_seed(1))
    found = []
    for steps in (5, 100):
        streams, state, total, count = Streams(tokens, readers, steps), [None], 0.0, 0
        for k in range(streams.chunks):
            batch = streams.gather(torch.arange(readers) + k * readers)
            error, number, state = task.error_onward([net], ONE, batch, state)
            total, count = total + error, count + number
        assert count == 43
        found.append(total / count)
    torch.testing.assert_close(found[0], found[1], atol=1e-6, rtol=1e-6)


def test_the_training_loss_is_the_mean_over_real_tokens():
    task, net = build()
    batch = Batch.pad(
        [torch.tensor([5, 6, 7]), torch.tensor([8])],
        targets={"next": [torch.tensor([6, 7, 9]), torch.tensor([10])]},
    )
    apart = [task.nats_onward([net], ONE, batch[row : row + 1], [None])[0].sum() for row in range(2)]
    loss, _ = task.onward(net, batch, None)
    torch.testing.assert_close(loss, sum(apart) / 4)


def test_members_average_probabilities():
    task, first = build()
    torch.manual_seed(5)
    second = task.build_net(Blueprint(SPEC, {"hidden_size": 8}, {}, 1, {"size": 6})).eval()
    batch = Streams(torch.tensor([4, 5, 6, 7]), 1, 3).gather(slice(0, 1))
    weights = torch.tensor([0.25, 0.75])
    each = [task.nats_onward([net], ONE, batch, [None])[0] for net in (first, second)]
    mixed, _ = task.nats_onward([first, second], weights, batch, [None, None])
    torch.testing.assert_close((-mixed).exp(), 0.25 * (-each[0]).exp() + 0.75 * (-each[1]).exp())


def test_penalties_by_hand():
    plain, net = build()
    batch = Streams(torch.tensor([4, 5, 6, 7]), 1, 3).gather(slice(0, 1))
    outputs = net(batch)[0]
    costly = Language(activation_penalty=2.0, slowness_penalty=1.0)
    change = (outputs[:, 1:] - outputs[:, :-1]).square().mean()
    expected = plain.onward(net, batch, None)[0] + 2 * outputs.square().mean() + change
    torch.testing.assert_close(costly.onward(net, batch, None)[0], expected)


PROMPTS = [torch.tensor([5, 6, 7, 8, 9]), torch.tensor([4]), torch.tensor([10, 11])]


@pytest.mark.parametrize(
    "options", [{}, {"temperature": 0.0}, {"top_k": 3, "no_repeat": 2}, {"top_p": 0.6, "seed": 3}]
)
@pytest.mark.parametrize("head", ["softmax", "adaptive"])
def test_what_is_written_does_not_depend_on_the_batch(options, head):
    task, net = build(Language(head=head, cutoffs=[6]))
    together = task.infer([net], ONE, Batch.pad(PROMPTS), steps=12, **options)["written"]
    order = torch.tensor([2, 0, 1])
    shuffled = Batch.pad([PROMPTS[row] for row in order], keys=order.tolist())
    assert torch.equal(task.infer([net], ONE, shuffled, steps=12, **options)["written"], together[order])
    for row, prompt in enumerate(PROMPTS):
        alone = task.infer([net], ONE, Batch.pad([prompt], keys=[row]), steps=12, **options)["written"]
        assert torch.equal(alone[0], together[row])
    assert (together >= 4).all()  # padding and the like are never written
    if options.get("no_repeat"):
        for row, prompt in enumerate(PROMPTS):
            text = torch.cat([prompt, together[row]]).tolist()
            pairs = list(itertools.pairwise(text))
            assert len(set(pairs)) == len(pairs)


def test_the_likeliest_symbol_is_that_of_the_net_read_at_once():
    task, net = build()
    written = task.infer([net], ONE, Batch.pad(PROMPTS[:1]), steps=4, temperature=0)["written"][0]
    text = PROMPTS[0]
    for symbol in written:
        _, hidden, _ = net(Batch.pad([text]))
        assert net.head.log_probabilities(hidden[0, -1])[4:].argmax() + 4 == symbol
        text = torch.cat([text, symbol[None]])


def test_seeds_decide_and_are_told_apart():
    task, net = build()
    batch = Batch.pad(PROMPTS[:1])
    one, same, other = (task.infer([net], ONE, batch, steps=30, seed=s)["written"] for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize(
    ("build_it", "message"),
    [
        (lambda: build(bidirectional=True), "must not read what it is asked for"),
        (lambda: Language(head="hard"), r"task\.head=hard is not known"),
        (lambda: Language(dropout=1.0), r"task\.dropout=1\.0"),
        (lambda: build()[0].infer([build()[1]], ONE, Batch.pad(PROMPTS), top_p=0.0), r"top_p=0\.0"),
        (lambda: build()[0].infer([build()[1]], ONE, Batch.pad(PROMPTS), temperature=-1.0), "temperature"),
    ],
)
def test_mistakes_are_told(build_it, message):
    with pytest.raises(UserError, match=message):
        build_it()
