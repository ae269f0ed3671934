"""What features of recordings cost: in batch against librosa a file at a time, with the cache and without, and masks.

    python benchmarks/features.py [--repeats 5] [--librosa /path/to/python/with/librosa]

On the 3,000 recordings of FSDD, 8 kHz, one thread; times are the median over repeats, arms alternated.

* features: 40 log-mel filters of all recordings, waves in memory. ``batch`` is `data.speech.store.extract`, 64 at a
  time; ``one by one`` the same module a file at a time; ``librosa`` is `librosa.feature.melspectrogram` and a logarithm
  a file at a time, in an environment of its own, because this project does not depend on it.
* cache: the start of a run (`SpeechFeaturesDataModule.setup`) with an empty cache, with a warm one, and an epoch of
  batches by features against one in which the net computes them from waves.
* masks: forward and backward of one recurrent layer over shuffled batches of 64, by lengths and masks
  (`nets.Recurrent`), packed (`torch.nn.utils.rnn.pack_padded_sequence`), and as if all were full (the floor).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lstm_lab.data import SpeechFeaturesDataModule
from lstm_lab.data.speech.store import extract
from lstm_lab.features.audio import AudioFeatures
from lstm_lab.nets import Recurrent

SETTINGS = {"sample_rate": 8000, "window": 0.032, "hop": 0.01, "n_mels": 40}
THEIRS = """
import sys, time, warnings
import librosa, numpy as np
warnings.simplefilter("ignore")
packed = np.load(sys.argv[1])
waves = np.split(packed["values"], np.cumsum(packed["lengths"])[:-1])
def one(wave):
    power = librosa.feature.melspectrogram(y=wave, sr=8000, n_fft=256, hop_length=80, n_mels=40, fmin=20,
                                           pad_mode="constant")
    return np.log(np.maximum(power, 1e-10)).T
one(waves[0])  # compiles, and builds the filters
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    found = [one(wave) for wave in waves]
    print(time.perf_counter() - start, flush=True)
np.save(sys.argv[3], found[0])
"""


def module(**settings: object) -> SpeechFeaturesDataModule:
    features = {key: value for key, value in SETTINGS.items() if key != "sample_rate"}
    more = {"name": "fsdd", "origin": "fsdd", "sample_rate": 8000, "features": features, **settings}
    return SpeechFeaturesDataModule(**more)  # type: ignore[arg-type]


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(arms: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each arm, in turns so that all see the same machine."""
    found: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(repeats):
        for name, work in arms.items():
            found[name].append(timed(work))
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def show(title: str, seconds: dict[str, float]) -> None:
    best = next(iter(seconds.values()))
    print(f"\n{title}")
    for name, value in seconds.items():
        print(f"  {name:<34}{1000 * value:9.1f} ms  {value / best:6.2f} ×")


def by_librosa(python: str, waves: list[torch.Tensor], repeats: int, ours: torch.Tensor) -> float:
    with tempfile.TemporaryDirectory() as folder:
        packed, result = Path(folder, "waves.npz"), Path(folder, "found.npy")
        flat = [wave[:, 0].numpy() for wave in waves]
        np.savez(packed, values=np.concatenate(flat), lengths=[len(wave) for wave in flat])
        words = [python, "-c", THEIRS, str(packed), str(repeats), str(result)]
        told = subprocess.run(
            words, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        theirs = np.load(result)
    np.testing.assert_allclose(theirs, ours.numpy(), atol=2e-2)  # the same features, or the result is void
    return statistics.median(map(float, told.stdout.split()))


def features(repeats: int, librosa: str | None) -> None:
    data = module(inputs="wave")
    data.setup()
    waves = [data.store.row(number).clone() for number in range(len(data.store))]
    front = AudioFeatures(**SETTINGS)  # type: ignore[arg-type]

    def one_by_one() -> None:
        for wave in waves:
            front(wave.T, torch.tensor([len(wave)]))

    seconds = compare({"batch": lambda: extract(waves, front), "one by one": one_by_one}, repeats)
    if librosa:
        seconds["librosa a file"] = by_librosa(librosa, waves, repeats, extract(waves[:1], front)[0])
    show(f"features of {len(waves)} recordings, {sum(map(len, waves)) / 8000:.0f} s of sound", seconds)


def cache(repeats: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LSTM_LAB_CACHE"] = folder

        def cold() -> None:
            for one in Path(folder).rglob("*.pt"):
                one.unlink()
            module().setup()

        show(
            "start of a run", compare({"warm cache": lambda: module().setup(), "empty cache": cold}, repeats)
        )
        by_features, by_waves = module(), module(inputs="wave")
        front = AudioFeatures(**SETTINGS)  # type: ignore[arg-type]

        def epoch(data: SpeechFeaturesDataModule, compute: bool) -> None:
            samples = data.samples("train")
            for rows in data.sampler().draw(1):
                batch = samples.gather(rows)
                if compute:
                    front(batch.inputs[..., 0], batch.lengths)

        arms = {
            "features from the cache": lambda: epoch(by_features, False),
            "features from waves, in the net": lambda: epoch(by_waves, True),
        }
        show("batches of an epoch", compare(arms, repeats))


def masks(repeats: int) -> None:
    data = module()
    data.setup()
    samples = data.samples("train")
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(0))
    batches = [samples.gather(rows) for rows in order.split(64)][:12]
    share = 1 - sum(int(b.lengths.sum()) for b in batches) / sum(
        b.inputs.shape[0] * b.inputs.shape[1] for b in batches
    )
    for cell in ("lstm", "gru"):
        ours = Recurrent(40, 64, cell, bidirectional=True)
        theirs = {"lstm": nn.LSTM, "gru": nn.GRU}[cell](40, 64, batch_first=True, bidirectional=True)

        def masked(net: Recurrent = ours) -> None:
            for batch in batches:
                net(batch.inputs, batch.lengths)[0].sum().backward()

        def packed(net: nn.RNNBase = theirs) -> None:
            for batch in batches:
                pieces = nn.utils.rnn.pack_padded_sequence(
                    batch.inputs, batch.lengths, True, enforce_sorted=False
                )
                nn.utils.rnn.pad_packed_sequence(net(pieces)[0], batch_first=True)[0].sum().backward()

        def full(net: nn.RNNBase = theirs) -> None:
            for batch in batches:
                net(batch.inputs)[0].sum().backward()

        arms = {"masked (this project)": masked, "packed": packed, "as if full (wrong)": full}
        show(f"{cell}, both directions, 64 units, {100 * share:.0f} % padding", compare(arms, repeats))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--librosa", help="a Python that has librosa; without it that arm is left out")
    given = parser.parse_args()
    torch.set_num_threads(1)
    features(given.repeats, given.librosa)
    masks(given.repeats)
    cache(given.repeats)


if __name__ == "__main__":
    main()
