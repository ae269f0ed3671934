"""Translation: the loss by hand, scores that are those of the truth, and sentences that do not see each other."""

import math

import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.models import LSTM, Seq2SeqTranslator, SequenceModel
from lstm_lab.spec import Spec, Target, Tokens, Values
from lstm_lab.tasks import Translate
from lstm_lab.tasks.sentence_bleu import sentence_bleu

SPEC = Spec(Tokens(20, specials=4), Target("sentence", 20))
STATISTICS = {
    "begin": 2, "end": 3, "never": [0, 2], "unknown": 1, "shared": True, "longest": 9, "stretch": 1.0,
}  # fmt: skip
DECODERS = [
    {"attention": "general"},
    {"attention": "bahdanau", "input_feeding": True, "coverage": True},
    {"attention": "multihead", "heads": 2},
    {"attention": "none"},
]


def model(decoder=None, kind=Seq2SeqTranslator, **more):
    settings = {"hidden_size": 8, "bidirectional": True, "frontend": {"size": 6}, "seed": 1, **more}
    return kind(SPEC, {"name": "translate"}, STATISTICS, decoder=decoder, **settings).eval()


def batch(lengths=(5, 3, 7), targets=(4, 6, 2)):
    torch.manual_seed(0)
    sources = [torch.randint(4, 20, (length,)) for length in lengths]
    sentences = [torch.cat([torch.randint(4, 20, (length,)), torch.tensor([3])]) for length in targets]
    return Batch.pad(sources, targets={"sentence": sentences})


def infer(net, given, **options):
    with torch.inference_mode():
        return net.task.infer(list(net.members), net.weights, given, **options)


@torch.no_grad()
def test_the_smoothed_loss_by_hand():
    """An untrained softmax with one bias: probabilities 2/21 and 1/21; padding does not count."""
    net = model({"tied": "none"}).members[0]
    torch.nn.init.zeros_(net.decoder.head.linear.weight)
    torch.nn.init.zeros_(net.decoder.head.linear.bias)
    net.decoder.head.linear.bias[7] = math.log(2)
    given = Batch.pad([torch.tensor([4]), torch.tensor([5])], targets={
        "sentence": [torch.tensor([7, 3]), torch.tensor([3])]
    })  # fmt: skip
    seven, other = -math.log(2 / 21), -math.log(1 / 21)
    plain = (seven + 2 * other) / 3
    spread = (seven + 19 * other) / 20  # the mean over all symbols
    assert float(Translate(label_smoothing=0.0).loss(net, given)) == pytest.approx(plain)
    smoothed = float(Translate(label_smoothing=0.1).loss(net, given))
    assert smoothed == pytest.approx(0.9 * plain + 0.1 * spread)
    total, count = Translate().error(Translate().predict([net], torch.ones(1), given), given)
    assert (float(total), int(count)) == (pytest.approx(3 * plain), 3)


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda one: one["attention"])
@pytest.mark.parametrize("ensemble", [1, 2])
@torch.no_grad()
def test_the_score_of_a_hypothesis_is_that_of_the_truth(decoder, ensemble):
    """What a search says a sentence is worth is what training would say, had it been the target."""
    net = model(decoder, ensemble=ensemble)
    for member in net.members:  # untrained nets seldom end a sentence
        member.decoder.head.linear.bias[3] = 2.0
    given = batch()
    found = infer(net, given, beam=4, n_best=4)
    checked = 0
    for place in range(found["written"].shape[1]):
        for row in range(3):
            if not found["finished"][row, place]:
                continue
            symbols = found["written"][row, place]
            sentence = torch.cat([symbols[symbols != 0], torch.tensor([3])])
            alone = Batch.pad([given.inputs[row, : given.lengths[row]]], targets={"sentence": [sentence]})
            nats = net.task.predict(list(net.members), net.weights, alone)["nats"].sum()
            assert float(found["score"][row, place]) == pytest.approx(-float(nats), abs=1e-4)
            checked += 1
    assert checked >= 6


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda one: one["attention"])
def test_sentences_do_not_depend_on_the_batch(decoder):
    net, given = model(decoder), batch()
    for options in ({"beam": 3}, {"beam": 1}, {"temperature": 1.0, "seed": 5}):
        whole = infer(net, given, **options)
        for row, length in enumerate(given.lengths.tolist()):
            alone = Batch(
                given.inputs[row : row + 1, :length], given.lengths[row : row + 1], given.keys[row : row + 1]
            )
            one = infer(net, alone, **options)["written"][0, 0]
            assert whole["written"][row, 0, : len(one)].tolist() == one.tolist()


def test_asking_for_more_does_not_change_the_best():
    net, given = model(), batch()
    one, five = (infer(net, given, beam=5, n_best=n) for n in (1, 5))
    width = one["written"].shape[2]
    assert torch.equal(five["written"][:, 0, :width], one["written"][:, 0])
    assert torch.equal(five["score"][:, 0], one["score"][:, 0])


def test_any_model_translates_and_a_checkpoint_gives_it_back():
    plain = model(None, LSTM)
    translator = model({"attention": "bahdanau", "input_feeding": True})
    for net in (plain, translator):
        again = SequenceModel(**dict(net.hparams)).eval()
        again.load_state_dict(net.state_dict())
        given = batch()
        assert torch.equal(again(given)["nats"], net(given)["nats"])


def test_bleu_of_sentences_by_hand():
    assert sentence_bleu("abcde", "abcde") == pytest.approx(100)
    assert sentence_bleu("abcd", "wxyz") == 0
    assert sentence_bleu("abcd", "") == 0
    # Of abcx: 3 of 4 letters; 2 of 3 pairs and 1 of 2 triples and 0 of 1 run of four, one added to each.
    assert sentence_bleu("abcd", "abcx") == pytest.approx(100 * (3 / 4 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
    # As precise as can be, and one letter short of five.
    assert sentence_bleu("abcde", "abcd") == pytest.approx(100 * math.exp(1 - 5 / 4))


def test_validation_by_what_is_written():
    """The mean over sentences, whatever the batches; nats stay what they are."""
    net, given = model(), batch()
    judged = Translate(judge="bleu")
    assert judged.metric == "val/bleu"
    with torch.inference_mode():
        found = judged.predict(list(net.members), net.weights, given)
        torch.testing.assert_close(found["nats"], net(given)["nats"])
        written = infer(net, given, beam=1)["written"][:, 0]
        truth = given.targets["sentence"]
        expected = [
            sentence_bleu(t[t != 0][:-1].tolist(), w[w != 0].tolist())
            for t, w in zip(truth, written, strict=True)
        ]
        assert found["bleu"].tolist() == pytest.approx(expected)
        total, count = judged.error(found, given)
        assert (float(total), int(count)) == (pytest.approx(sum(expected)), 3)


def test_weights_of_processes_are_symbols():
    assert int(Translate().weight(batch(targets=(4, 6, 2)))) == 15


def test_mistakes_are_told():
    with pytest.raises(UserError, match="n_best=4 is more than beam=3 keeps"):
        infer(model(), batch(), beam=3, n_best=4)
    with pytest.raises(UserError, match="top_p=0"):
        infer(model(), batch(), temperature=1.0, top_p=0)
    with pytest.raises(UserError, match=r"task\.judge=rouge"):
        Translate(judge="rouge")
    with pytest.raises(UserError, match=r"task\.label_smoothing=1"):
        Translate(label_smoothing=1)
    with pytest.raises(UserError, match="writes sentences; the target of this data is class"):
        Seq2SeqTranslator(Spec(Values(("a",)), Target("class", 2)), decoder={})
    with pytest.raises(UserError, match="needs one vocabulary for both sides"):
        Seq2SeqTranslator(
            SPEC, {"name": "translate"}, {**STATISTICS, "shared": False}, decoder={"tied": "all"}
        )
