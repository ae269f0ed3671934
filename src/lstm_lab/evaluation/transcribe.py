"""Scoring transcripts: word and character error rates as sums over the test, beside the most usual transcript."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data import SequenceDataModule
from lstm_lab.evaluation import Tested
from lstm_lab.figures.speech import draw_alignment
from lstm_lab.nets.ctc import Transcriber
from lstm_lab.predictor import Predictor
from lstm_lab.tasks.edits import Edits

SHOWN = {"wer": "WER %", "cer": "CER %"}


def test(predictor: Predictor, data: SequenceDataModule) -> Tested:
    """Scores every test clip once. The baselines say the same for every clip: nothing, or the most usual words."""
    names = data.spec.target.names
    spaced = " " in names
    searches = bool(getattr(predictor.task, "beam", 0))
    truth, found, plain, batches = [], [], [], []
    for batch in data.test_dataloader():
        batches.append(batch)
        truth += texts_of(batch.targets["transcript"], batch.targets["transcript_lengths"], names)
        found += predictor.processor.transcripts(predictor.predict_batch(batch))
        if searches:
            plain += predictor.processor.transcripts(predictor.predict_batch(batch, beam=0))
    guesses = [row["text"] for row in found]
    words, characters = count(truth, guesses, spaced)
    metrics = {
        "test/wer": words.rate,
        "test/cer": characters.rate,
        "test/exact": 100 * sum(a == b for a, b in zip(truth, guesses, strict=True)) / len(truth),
        "test/substitutions": float(words.substitutions),
        "test/deletions": float(words.deletions),
        "test/insertions": float(words.insertions),
    }
    if searches:
        metrics["test/wer_best_path"] = count(truth, [row["text"] for row in plain], spaced)[0].rate
    predictions = pd.DataFrame({"truth": truth, "text": guesses})
    predictions["edits"] = [
        round(count([a], [b], spaced)[0].rate * max(len(split(a, spaced)), 1) / 100)
        for a, b in zip(truth, guesses, strict=True)
    ]
    predictions[["score", "words"]] = [[row["score"], row["words"]] for row in found]
    table = baselines(data, truth, spaced)
    return Tested(
        metrics,
        table,
        SHOWN,
        verdict(metrics, table),
        predictions,
        pictures={"alignment": partial(_alignment, predictor, batches[0], data)},
        notes=[*_best_path(metrics), *_worst(predictions), *_zeroed(predictor)],
    )


def split(text: str, spaced: bool) -> list[str]:
    """Words of a transcript; its symbols where no symbol is a space."""
    return text.split() if spaced else list(text)


def count(truth: list[str], found: list[str], spaced: bool) -> tuple[Edits, Edits]:
    """Edits of words and of characters over all pairs."""
    words, characters = Edits(), Edits()
    for one, other in zip(truth, found, strict=True):
        words.add(split(one, spaced), split(other, spaced))
        characters.add(one, other)
    return words, characters


def texts_of(numbers: Tensor, counts: Tensor, names: tuple[str, ...]) -> list[str]:
    """Transcripts (B, L) of numbers as texts."""
    rows = zip(numbers.tolist(), counts.tolist(), strict=True)
    return ["".join(names[one] for one in row[:size]) for row, size in rows]


def baselines(data: SequenceDataModule, truth: list[str], spaced: bool) -> pd.DataFrame:
    """Saying nothing, and saying the word that training transcripts hold most often, as often as is usual."""
    samples = data.samples("train").gather(slice(None))
    names = data.spec.target.names
    known = [
        split(one, spaced)
        for one in texts_of(samples.targets["transcript"], samples.targets["transcript_lengths"], names)
    ]
    usual = Counter(word for words in known for word in words).most_common(1)[0][0]
    size = sorted(map(len, known))[len(known) // 2]
    rules = {"nothing": "", "most usual word": (" " if spaced else "").join([usual] * size)}
    rows = {}
    for name, text in rules.items():
        words, characters = count(truth, [text] * len(truth), spaced)
        rows[name] = {"wer": words.rate, "cer": characters.rate}
    return pd.DataFrame(rows).T.sort_values("wer", kind="stable")


def verdict(metrics: dict[str, float], table: pd.DataFrame) -> str:
    """One line that says whether the model was worth training."""
    ours, theirs = metrics["test/wer"], float(table["wer"].iloc[0])
    wrong = f"WER {ours:.2f} % against {theirs:.1f} %"
    return f"beats {table.index[0]}: {wrong}" if ours < theirs else f"does not beat {table.index[0]}: {wrong}"


def _best_path(metrics: dict[str, float]) -> list[str]:
    if "test/wer_best_path" not in metrics:
        return []
    return [f"WER of the best path, without the search: {metrics['test/wer_best_path']:.2f} %"]


def _worst(predictions: pd.DataFrame) -> list[str]:
    rows = predictions.sort_values("edits", ascending=False, kind="stable").head(3)
    columns = (rows["edits"], rows["text"], rows["truth"])
    return [
        f"{edits} wrong words: '{text}' for '{truth}'"
        for edits, text, truth in zip(*columns, strict=True)
        if edits
    ]


def _zeroed(predictor: Predictor) -> list[str]:
    count = sum(int(net.zeroed) for net in predictor.model.members if isinstance(net, Transcriber))
    return [f"{count} times a training clip had too few steps for its transcript"] if count else []


@torch.no_grad()
def _alignment(predictor: Predictor, batch: Batch, data: SequenceDataModule, path: Path) -> None:
    task, nets = predictor.task, list(predictor.model.members)
    one = batch[:1].to(predictor.model.device)
    log_probs, lengths = task.log_probs(nets, predictor.model.weights, one)  # type: ignore[attr-defined]
    found = predictor.processor.transcripts(predictor.predict_batch(one))[0]
    names = data.spec.target.names
    truth = texts_of(batch.targets["transcript"][:1], batch.targets["transcript_lengths"][:1], names)[0]
    features = nets[0].frontend.features(one)[0][0, : int(one.lengths[0])]  # type: ignore[union-attr, operator]
    draw_alignment(
        path,
        features.cpu().numpy(),
        log_probs[0, : int(lengths[0])].exp().cpu().numpy(),
        names,
        nets[0].subsampling * predictor.processor.hop,  # type: ignore[operator]
        predictor.processor.hop,
        f"{data.title}: “{found['text']}” (said: “{truth}”)",
    )
