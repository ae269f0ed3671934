"""Scoring language models: every token of the test in order, beside n-grams on the same tokens."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pandas as pd
import torch

from lstm_lab.baselines.language import ngram_baselines
from lstm_lab.data import ContinualReberDataModule, TextDataModule
from lstm_lab.evaluation import Tested
from lstm_lab.evaluation.lags import add_accuracy_by_lag
from lstm_lab.figures.language import draw_surprise
from lstm_lab.models.carried import Carried
from lstm_lab.predictor import Predictor
from lstm_lab.tasks.language import Language

_WORDS = ("word", "blank")
_SAMPLE = {"char": 300, "byte": 300}  # symbols of the sample that a run ends with; 80 of longer ones


def test(predictor: Predictor, data: TextDataModule) -> Tested:
    """Scores the test part once, and n-grams on the same tokens."""
    tokens = data.tokens("test")
    nats = stream_nats(predictor, data, "test")
    scale = Scale(data)
    metrics = scale.metrics(nats)
    rows = ngram_baselines(
        data.tokens("train").numpy(), tokens.numpy(), data.spec.target.size, data.kind in _WORDS
    )
    table = pd.DataFrame({name: scale.metrics(one) for name, one in rows.items()}).T.sort_values("nats")
    tokenizer = predictor.processor.tokenizer
    symbols = {number: tokenizer.symbol(number) for number in tokens.unique().tolist()}
    predictions = pd.DataFrame(
        {"place": np.arange(1, len(tokens)), "token": [symbols[n] for n in tokens[1:].tolist()], "nats": nats}
    )
    notes = (
        [] if data.corpus.floor is None else [f"no model can go below {data.corpus.floor:.4f} nats per token"]
    )
    sample = predictor.predict(None, steps=_SAMPLE.get(data.kind, 80), seed=0)["text"].iloc[0]
    tested = Tested(
        {f"test/{name}": value for name, value in metrics.items()},
        table,
        scale.shown,
        verdict(metrics, table, scale),
        predictions,
        pictures={"surprise": partial(draw_surprise, tokens=predictions.head(900))},
        notes=[*notes, f"it writes:\n{sample}\n"],
    )
    if isinstance(data, ContinualReberDataModule):
        add_accuracy_by_lag(tested, data, *recalls(nats, data.recalled.numpy()))
    return tested


def recalls(nats: np.ndarray, recalled: np.ndarray, parts: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """How far into the stream each symbol stands that has to be remembered, and whether it was.

    Args:
        nats: of each token but the first, (N - 1,).
        recalled: places (R,) of the tokens that are asked for.
        parts: of the stream; a place is the end of its part.

    Returns:
        Places (R,), and (R,) whether the token got more than half of the probability.
    """
    ends = np.linspace(0, len(nats), parts + 1)[1:].round().astype(int)
    return ends[np.searchsorted(ends, recalled)], nats[recalled - 1] < math.log(2)


@torch.inference_mode()
def stream_nats(predictor: Predictor, data: TextDataModule, part: str) -> np.ndarray:
    """Returns the nats of each token of a part but the first, (N - 1,), in the order of the text."""
    model, task = predictor.model.eval(), predictor.task
    assert isinstance(task, Language)
    carried, nets = Carried(len(model.members)), list(model.members)
    samples = data.samples(part)
    loader = data.val_dataloader() if part == "validation" else data.test_dataloader()
    found: list[list[torch.Tensor]] = [[] for _ in range(samples.readers)]
    for batch in loader:
        batch = batch.to(model.device)
        nats, states = task.nats_onward(nets, model.weights, batch, carried.enter(batch))
        carried.leave(states)
        for reader, (row, length) in enumerate(zip(nats.cpu(), batch.lengths.tolist(), strict=True)):
            found[reader].append(row[:length])
    return torch.cat([piece for reader in found for piece in reader]).double().numpy()


class Scale:
    """Which numbers are true of a part: by token, by character, by word.

    A word is what stands between white space; the end of a line counts as one more, as in the Penn Treebank.

    Args:
        data: the corpus.
    """

    def __init__(self, data: TextDataModule) -> None:
        text, tokens = data.text("test"), data.tokens("test")
        self.kind, self.tokens = data.kind, len(tokens) - 1
        first = len(data.processor.tokenizer.decode(tokens[:1].tolist()))
        self.characters = len(text) - first
        self.octets = len(text.encode("utf-8", "surrogatepass")) - first
        self.words = len(text.split()) + text.count("\n")
        if self.kind in _WORDS:
            self.shown = {"perplexity": "perplexity", "nats": "nats per word"}
        elif self.kind == "byte":
            self.shown = {"nats": "nats per byte", "bits_per_byte": "bits per byte"}
        elif self.kind == "char":
            self.shown = {"nats": "nats per character", "bits_per_character": "bits per character"}
        else:
            self.shown = {
                "nats": "nats per subword",
                "bits_per_character": "bits per character",
                "word_perplexity": "word perplexity",
            }

    def metrics(self, nats: np.ndarray) -> dict[str, float]:
        """The numbers of a model that gave its tokens so many nats."""
        total, mean = float(nats.sum()), float(nats.mean())
        found = {"nats": mean, "perplexity": math.exp(min(mean, 700.0))}
        if self.kind in _WORDS:
            return found
        if self.kind == "byte":
            return {**found, "bits_per_byte": total / math.log(2) / self.octets}
        found["bits_per_character"] = total / math.log(2) / self.characters
        if self.kind != "char":
            found["word_perplexity"] = math.exp(min(total / max(1, self.words), 700.0))
        return found


def verdict(metrics: dict[str, float], baselines: pd.DataFrame, scale: Scale) -> str:
    """One line that says whether the model was worth training."""
    key = next(iter(scale.shown))
    ours, theirs, name = metrics[key], float(baselines[key].iloc[0]), baselines.index[0]
    word = "beats" if ours < theirs else "does not beat"
    return f"{word} the best n-gram ({name}): {scale.shown[key]} {ours:.4g} against {theirs:.4g}"
