"""The arm of `translation.py` that runs in JoeyNMT's own environment: reads sentences as numbers, prints two speeds."""

import json
import logging
import sys
import time
from types import SimpleNamespace

import torch
from joeynmt.batch import Batch
from joeynmt.model import build_model
from joeynmt.search import search
from joeynmt.vocabulary import Vocabulary

SPECIALS = SimpleNamespace(
    pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>", sep_token=None, lang_tags=[],
    unk_id=0, pad_id=1, bos_id=2, eos_id=3, sep_id=None,
)  # fmt: skip
# Our numbers of padding and the unknown symbol, and JoeyNMT's.
RENUMBER = {0: 1, 1: 0}


def pad(rows):
    rows = [[RENUMBER.get(number, number) for number in row] for row in rows]
    longest = max(map(len, rows))
    return torch.tensor([row + [1] * (longest - len(row)) for row in rows])


def batch(sources, targets=None):
    lengths = torch.tensor([len(row) + 1 for row in sources])
    source = pad([[*row, 3] for row in sources])  # JoeyNMT ends its sources as well
    target = None if targets is None else pad([[2, *row] for row in targets])
    one = Batch(
        source, lengths, None, target, None, torch.arange(len(sources)), torch.device("cpu"), 1, 3,
        is_train=targets is not None,
    )  # fmt: skip
    one.sort_by_src_length()  # its encoder packs sequences and wants them sorted
    return one


def clock():
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def network(sizes, smoothing):
    vocabularies = [Vocabulary([f"w{n}" for n in range(size - 4)], SPECIALS) for size in sizes]
    side = {"rnn_type": "lstm", "hidden_size": 256, "num_layers": 1, "dropout": 0.2}
    side["embeddings"] = {"embedding_dim": 256, "dropout": 0.2}
    config = {
        "encoder": {**side, "type": "recurrent", "bidirectional": True},
        "decoder": {
            **side, "type": "recurrent", "attention": "bahdanau", "input_feeding": True, "init_hidden": "bridge",
        },
    }  # fmt: skip
    torch.manual_seed(0)
    model = build_model(config, *vocabularies)
    model.loss_function = ("crossentropy", smoothing)
    return model


def training(model, given):
    batches = [batch(*zip(*rows, strict=True)) for rows in given["train"]]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    model.train()

    def step(one):
        loss, *_ = model(return_type="loss", **vars(one))
        optimizer.zero_grad(set_to_none=True)
        (loss.sum() / one.ntokens).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    for one in batches[:2]:
        step(one)
    started = clock()
    for one in batches[2:]:
        step(one)
    return sum(one.ntokens for one in batches[2:]) / (clock() - started)


def decoding(model, given):
    model.eval()
    sentences = sorted(given["test"], key=len, reverse=True)
    batches = [
        batch(sentences[start : start + given["batch"]]) for start in range(0, len(sentences), given["batch"])
    ]
    started = clock()
    for one in batches:
        search(model, one, given["symbols"], beam_size=5, beam_alpha=1.0, min_output_length=given["symbols"])
    return len(sentences) / (clock() - started)


def main():
    logging.disable(logging.CRITICAL)
    given = json.load(sys.stdin)
    torch.set_num_threads(given["threads"])
    model = network(given["sizes"], given["smoothing"])
    print(json.dumps({"train": training(model, given), "decode": decoding(model, given)}))


if __name__ == "__main__":
    main()
