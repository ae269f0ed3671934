"""python benchmarks/streaming.py: what a step costs while a stream is read, at its beginning and after many.

One thread, one network, untrained: what is said does not matter here. Milliseconds of a ``push`` by the clock of the
thread, which others on the machine do not move: p50 and p99 of the
first `STEPS` steps and of the last, and the numbers that are remembered then.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf

from lstm_lab.doors import compose_config
from lstm_lab.planning import prepare
from lstm_lab.predictor import Predictor
from lstm_lab.training import ranks

STEPS, BETWEEN = 1000, 10_000
MODELS = {
    "language, 2 × 128, an echo of words": ["data=echo", "model.hidden_size=128", "model.num_layers=2"],
    "classify, 64, words": ["data=keywords", "model.hidden_size=64"],
    "classify, 64, rows of digits": ["data=digits_rows", "model.hidden_size=64"],
    "tag, 64, letters": ["data=motifs", "model.hidden_size=64", "task.crf=false", "task.channels=[]"],
    "transcribe, 128, 0.1 s of sound": ["data=dtmf_numbers", "data.tones.count=160", "model.hidden_size=128"],
    "forecast, 16, months of airline": ["data=airline", "model.hidden_size=16"],
}


def samples_of(stream: Any) -> Iterator[Any]:
    """Samples without end."""
    chance = np.random.default_rng(0)
    if hasattr(stream, "needed"):
        stream.begun = True
        stream.reset()
        return (300 + 10 * chance.normal() for _ in itertools.count())
    reader = stream.reader
    if hasattr(reader, "pieces"):
        return itertools.cycle(reader.pieces(reader.processor.sample))
    if hasattr(reader, "rate"):
        return (chance.normal(size=reader.rate // 10).astype(np.float32) for _ in itertools.count())
    return (chance.uniform(0, 255, len(reader.names)) for _ in itertools.count())


def timed(stream: Any, samples: Iterator[Any], steps: int) -> np.ndarray:
    """Milliseconds of each step, (N,)."""
    found = []
    for sample in itertools.islice(samples, steps):
        started = time.thread_time()
        stream.push(sample)
        found.append(1000 * (time.thread_time() - started))
    return np.array(found)


def main() -> None:
    """Prints a line for each model."""
    torch.set_num_threads(1)
    for name, words in MODELS.items():
        words = ["model=lstm", "model.bidirectional=false", "ensemble=1", "threads=1", *words]
        settings: Any = OmegaConf.to_container(compose_config(words), resolve=True)
        plan = prepare(settings, words, ranks.find_group(settings["trainer"]))
        stream = Predictor(plan.model, plan.data.processor).stream()
        samples = samples_of(stream)
        timed(stream, samples, 20)
        slow = hasattr(stream, "needed")  # a window a row: a tenth of the steps tells the same
        first = timed(stream, samples, STEPS // (10 if slow else 1))
        timed(stream, samples, BETWEEN // (100 if slow else 1))
        last = timed(stream, samples, STEPS // (10 if slow else 1))
        told = [
            f"p50 {np.percentile(one, 50):.2f} p99 {np.percentile(one, 99):.2f} ms" for one in (first, last)
        ]
        print(f"{name:38} first {told[0]}   last {told[1]}   {stream.size:,} numbers", flush=True)


if __name__ == "__main__":
    main()
