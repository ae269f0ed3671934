"""Speed of translators: training target tokens and decoded sentences per second, beside JoeyNMT's recurrent model.

    python benchmarks/translation.py [--peer /path/to/joeynmt-venv/bin/python] [--quick] [--repeats 3] \\
        [--smoothing 0.1] [--threads 2]

Multi30k de-en by the word (vocabularies of at most 6,000), BiLSTM of 256 units a direction, LSTM decoder of 256,
embeddings of 256, batches of 64 sentences, Adam, 32 bit, one thread. Arms, alternated:

* ``fast``    Luong attention (general) after a fused pass over the whole target.
* ``fed``     Bahdanau attention with input feeding.
* ``joeynmt`` the same sizes, Bahdanau attention with input feeding, in an environment of its own (`--peer`, a python
  that can import joeynmt 2.3, which needs `importlib_metadata` beside it). Without `--peer` the arm is not run, and
  the table says so.
* ``products`` the matrix products of the fast path, of these shapes and nothing else: what no arm of these sizes can
  exceed at 32 bit on this machine. What share of them is the output layer stands below the table.

Training counts real target tokens, the end of a sentence among them, over whole optimiser steps. Decoding is by a beam
of five over the first sentences of the test; weights are untrained and no sentence ends before 12 symbols, so that both
sides do the same number of steps. On one thread seconds are those of the processor: what else the machine does then
moves the numbers less than it moves a clock's. On several they are a clock's, and the machine has to be idle.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from lstm_lab.data import PairsDataModule
from lstm_lab.models import Seq2SeqTranslator
from lstm_lab.models.optim import build_optimizer

STEPS, SENTENCES, SYMBOLS, BATCH = 20, 128, 12, 64
PEER = Path(__file__).with_name("translation_joeynmt.py")
ARMS = {
    "fast": {"attention": "general", "input_feeding": False},
    "fed": {"attention": "bahdanau", "input_feeding": True, "attention_size": 256},
}


def clock() -> float:
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def model(data: PairsDataModule, decoder: dict[str, Any], smoothing: float = 0.0) -> Seq2SeqTranslator:
    return Seq2SeqTranslator(
        data.spec,
        {"name": "translate", "label_smoothing": smoothing},
        data.statistics,
        hidden_size=256,
        bidirectional=True,
        decoder={**decoder, "hidden_size": 256, "tied": "none", "dropout": 0.2},
        frontend={"size": 256, "dropout": 0.2},
        seed=0,
    )


def training(data: PairsDataModule, net: Seq2SeqTranslator, steps: int) -> Callable[[], float]:
    batches = [data.samples("train").gather(rows) for rows in data.sampler().draw(1)[: steps + 2]]
    tokens = sum(int((batch.targets["sentence"] != 0).sum()) for batch in batches[2:])
    optimizer = build_optimizer(net.parameters(), {"name": "adam", "lr": 1e-3})

    def step(batch: Any) -> None:
        loss = net.task.loss(net.members[0], batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()

    def measure() -> float:
        net.train()
        for batch in batches[:2]:
            step(batch)
        started = clock()
        for batch in batches[2:]:
            step(batch)
        return tokens / (clock() - started)

    return measure


def decoding(data: PairsDataModule, net: Seq2SeqTranslator, sentences: int) -> Callable[[], float]:
    samples = data.samples("test")
    batches = [
        samples.gather(torch.arange(start, min(start + BATCH, sentences)))
        for start in range(0, sentences, BATCH)
    ]

    @torch.inference_mode()
    def measure() -> float:
        net.eval()
        bias = net.members[0].decoder.head.linear.bias
        kept = bias[3].clone()
        bias[3] = -1e4  # no sentence ends before it is cut
        started = clock()
        for batch in batches:
            net.task.infer(list(net.members), net.weights, batch, SYMBOLS, beam=5)
        seconds = clock() - started
        bias[3] = kept
        return sentences / seconds

    return measure


def products(data: PairsDataModule) -> Callable[[], tuple[float, float, float]]:
    """Returns a measurement: tokens/s and sentences/s of the products alone; the output layer's share in training."""
    batch = data.samples("train").gather(data.sampler().draw(1)[2])
    sources, targets = batch.inputs.shape[1], batch.targets["sentence"].shape[1]
    tokens, size, symbols = int((batch.targets["sentence"] != 0).sum()), 256, data.spec.target.size
    rows, steps = BATCH * targets, BATCH * sources
    head = [(tokens, size, symbols, 1)]
    core = [(steps, size, 8 * size, 1), (BATCH, size, 4 * size, 2 * sources)]  # the encoder, both directions
    core += [(rows, size, 4 * size, 1), (BATCH, size, 4 * size, targets)]  # the decoder
    attention = [(steps, 2 * size, size, 1), (rows, 3 * size, size, 1)]
    places = [
        (5 * BATCH, 2 * size, 4 * size, 1),
        (5 * BATCH, 3 * size, size, 1),
        (5 * BATCH, size, symbols, 1),
    ]

    def seconds(shapes: list[tuple[int, int, int, int]]) -> float:
        total = 0.0
        for left, inner, right, times in shapes:
            a, b = torch.randn(left, inner), torch.randn(inner, right)
            torch.mm(a, b)
            started = clock()
            for _ in range(times * 5):
                torch.mm(a, b)
            total += (clock() - started) / 5
        return total

    def measure() -> tuple[float, float, float]:
        output, rest = 3 * seconds(head), 3 * seconds(core + attention)  # forward, and two products backward
        step = seconds(places)
        searched = seconds([*core[:2], attention[0]]) + (SYMBOLS - 1) * step + step / 5  # one place at first
        return tokens / (output + rest), BATCH / searched, output / (output + rest)

    return measure


def peer(
    python: str, data: PairsDataModule, steps: int, sentences: int, smoothing: float
) -> dict[str, float]:
    """Asks `PEER` in the other environment, with the same sentences as numbers."""
    samples = data.samples("train")
    rows = [row.tolist() for row in data.sampler().draw(1)[: steps + 2]]
    test = data.samples("test")

    def ids(part: Any, row: int) -> list[list[int]]:
        return [part.tokens[row].tolist(), part.along["sentence"][0][row].tolist()]

    given = {
        "train": [[ids(samples, row) for row in batch] for batch in rows],
        "test": [ids(test, row)[0] for row in range(sentences)],
        "sizes": [data.spec.inputs.vocabulary, data.spec.target.size],  # type: ignore[union-attr]
        "symbols": SYMBOLS,
        "batch": BATCH,
        "smoothing": smoothing,
        "threads": torch.get_num_threads(),
    }
    done = subprocess.run(
        [python, str(PEER)], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", help="python of an environment with joeynmt 2.3")
    parser.add_argument("--quick", action="store_true", help="few steps: whether it runs, not how fast")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--smoothing", type=float, default=0.0, help="label smoothing of all arms")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    steps, sentences = (3, 16) if given.quick else (STEPS, SENTENCES)
    data = PairsDataModule("multi30k", "de", "en", tokenizer="word", vocabulary=6000, batch_size=BATCH)
    data.setup()
    nets = {name: model(data, decoder, given.smoothing) for name, decoder in ARMS.items()}
    train = {name: training(data, net, steps) for name, net in nets.items()}
    decode = {name: decoding(data, net, sentences) for name, net in nets.items()}
    bound, shares = products(data), []
    found: dict[str, dict[str, list[float]]] = {}
    for _ in range(given.repeats):
        for name in ARMS:
            row = found.setdefault(name, {"train": [], "decode": []})
            row["train"].append(train[name]())
            row["decode"].append(decode[name]())
        if given.peer:
            row = found.setdefault("joeynmt", {"train": [], "decode": []})
            for key, value in peer(given.peer, data, steps, sentences, given.smoothing).items():
                row[key].append(value)
        row = found.setdefault("products", {"train": [], "decode": []})
        trained, searched, share = bound()
        row["train"].append(trained)
        row["decode"].append(searched)
        shares.append(share)
        # Each round as it comes: a long run that is cut still says something.
        print(
            json.dumps({name: {key: round(row[key][-1], 1) for key in row} for name, row in found.items()}),
            flush=True,
        )
    print(f"{'arm':<10}{'training tokens/s':>20}{'beam-5 sentences/s':>20}   (median of {given.repeats})")
    for name, row in found.items():
        print(f"{name:<10}{statistics.median(row['train']):>20,.0f}{statistics.median(row['decode']):>20.1f}")
    print(f"the output layer is {100 * statistics.median(shares):.0f} % of the products of training")
    if not given.peer:
        print("joeynmt   not run: no --peer was given")


if __name__ == "__main__":
    main()
