"""Scoring translators: what they write by themselves against the truth as plain text, beside simple rules.

References are never tokenised or put in lower case before they are scored (Post 2018, "A call for clarity in reporting
BLEU scores"); sacreBLEU's signature stands beside its numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import sacrebleu
import torch

from lstm_lab.baselines.translate import translation_baselines
from lstm_lab.data import PairsDataModule
from lstm_lab.evaluation import Tested
from lstm_lab.figures.translate import Look, draw_attention
from lstm_lab.predictor import Predictor

SHOWN = {
    "bleu": {"bleu": "BLEU", "chrf": "chrF", "length_ratio": "length", "repeats": "repeats %"},
    "exact": {"exact": "exact %", "bleu": "BLEU", "chrf": "chrF"},
    "replies": {
        "bleu": "BLEU",
        "chrf": "chrF",
        "distinct_1": "distinct-1",
        "distinct_2": "distinct-2",
        "equal": "equal %",
    },
}
_SHARE_OF_EQUALS = 20.0  # percent of outputs that are one and the same, from which a person is warned
_LOOKS = 4


def test(predictor: Predictor, data: PairsDataModule) -> Tested:
    """Translates every test source once, and measures how well the truth was foreseen."""
    pairs = data.pairs.parts["test"]
    sources, truth = [one for one, _ in pairs], [other for _, other in pairs]
    texts, scores, looks, nats = translate(predictor, data)
    shown = SHOWN["replies" if data.name == "dialogs" else data.measure]
    metrics = {**measure(texts, truth), "nats": nats, "perplexity": math.exp(min(nats, 700.0))}
    rules = translation_baselines(data.pairs.parts["train"], sources)
    deciding = next(iter(shown))
    table = pd.DataFrame({name: measure(rule, truth) for name, rule in rules.items()}).T
    table = table.sort_values(deciding, ascending=False, kind="stable")
    predictions = pd.DataFrame({"source": sources, "translation": texts, "truth": truth, "score": scores})
    return Tested(
        {f"test/{name}": value for name, value in metrics.items()},
        table,
        shown,
        verdict(metrics, table, deciding, shown[deciding]),
        predictions,
        larger=True,
        pictures={"attention": partial(draw_attention, looks=looks)} if looks else {},
        notes=notes(texts, metrics, predictions),
    )


def translate(
    predictor: Predictor, data: PairsDataModule
) -> tuple[list[str], list[float], list[Look], float]:
    """Returns translations and scores in the order of the file, some attention, and nats per symbol of the truth."""
    processor, count = predictor.processor, len(data.pairs.parts["test"])
    texts, scores, looks = [""] * count, [0.0] * count, []
    total = symbols = 0.0
    chosen = set(range(0, count, max(1, count // _LOOKS)))
    for batch in data.test_dataloader():
        found = predictor.predict_batch(batch)
        with torch.inference_mode():
            here = batch.to(predictor.model.device)
            foreseen, real = predictor.model(here)["nats"], predictor.task.weight(here)
        total, symbols = total + float(foreseen.double().sum()), symbols + float(real)
        for row, key in enumerate(batch.keys.tolist()):
            source, written = data.pairs.parts["test"][key][0], found["written"][row, 0].tolist()
            texts[key] = processor.text(written, source, found["attention"][row])
            scores[key] = float(found["score"][row, 0])
            if key in chosen and any(written) and predictor_attends(predictor):
                looks.append(
                    look(processor, batch.inputs[row, : batch.lengths[row]], written, found["attention"][row])
                )
    return texts, scores, looks[:_LOOKS], total / symbols


def predictor_attends(predictor: Predictor) -> bool:
    """Whether there is any attention to look at."""
    return (predictor.model.hparams.get("decoder") or {}).get("attention", "general") != "none"


def look(processor: Any, source: torch.Tensor, written: Sequence[int], attention: torch.Tensor) -> Look:
    """The attention of one translation, with its symbols as labels."""
    left = [processor.source.symbol(number) for number in source.tolist()]
    right = [processor.target.symbol(number) for number in written if number != processor.target.pad]
    return Look(left, right, attention[: len(right), : len(left)].numpy())


def measure(texts: Sequence[str], truth: Sequence[str]) -> dict[str, float]:
    """What can be said of texts beside the truth, in % where it is a share.

    ``exact`` equal texts; ``bleu`` and ``chrf`` of sacreBLEU, of the corpus; ``bleu_lower`` the same in lower case, for
    comparison with tutorials alone; ``length_ratio`` words of texts for
    each of the truth; ``repeats`` texts with a run of three words twice; ``equal`` texts that are the most frequent
    one; ``distinct_1`` and ``distinct_2`` different words and pairs of them for each that there is (Li et al. 2016,
    "A diversity-promoting objective function"); ``entropy`` of replies as wholes, in bits.
    """
    words = [text.split() for text in texts]
    counts, count = Counter(texts), len(texts)
    shares = [one / count for one in counts.values()]
    return {
        "exact": 100 * sum(one == other for one, other in zip(texts, truth, strict=True)) / count,
        "bleu": sacrebleu.corpus_bleu(list(texts), [list(truth)]).score,
        "bleu_lower": sacrebleu.corpus_bleu(list(texts), [list(truth)], lowercase=True).score,
        "chrf": sacrebleu.corpus_chrf(list(texts), [list(truth)]).score,
        "length_ratio": sum(map(len, words)) / max(1, sum(len(other.split()) for other in truth)),
        "repeats": 100 * sum(_repeats(one) for one in words) / count,
        "equal": 100 * max(shares),
        "distinct_1": _distinct(words, 1),
        "distinct_2": _distinct(words, 2),
        "entropy": -sum(share * math.log2(share) for share in shares),
    }


def signature() -> str:
    """How BLEU was counted, in sacreBLEU's words."""
    metric = sacrebleu.BLEU()
    metric.corpus_score(["a"], [["a"]])
    return str(metric.get_signature())


def verdict(metrics: dict[str, float], baselines: pd.DataFrame, key: str, title: str) -> str:
    """One line that says whether the model was worth training."""
    ours, theirs, name = metrics[key], float(baselines[key].iloc[0]), baselines.index[0]
    word = "beats" if ours > theirs else "does not beat"
    return f"{word} the best rule ({name}): {title} {ours:.4g} against {theirs:.4g}"


def notes(texts: Sequence[str], metrics: dict[str, float], predictions: pd.DataFrame) -> list[str]:
    """How it was counted, what looks wrong, and some translations."""
    found = [
        f"sacreBLEU: {signature()}",
        f"perplexity {metrics['perplexity']:.3f} per symbol, with the truth read before each",
    ]
    if metrics["equal"] > _SHARE_OF_EQUALS:
        text = Counter(texts).most_common(1)[0][0]
        found.append(f"warning: {metrics['equal']:.0f} % of all outputs are the same: {text!r}")
    for _, row in predictions.head(3).iterrows():
        found.append(f"  {row['source']}\n    → {row['translation']}\n    = {row['truth']}")
    return found


def _repeats(words: Sequence[str], size: int = 3) -> bool:
    runs = [tuple(words[start : start + size]) for start in range(len(words) - size + 1)]
    return len(set(runs)) < len(runs)


def _distinct(texts: Sequence[Sequence[str]], size: int) -> float:
    runs = [tuple(words[start : start + size]) for words in texts for start in range(len(words) - size + 1)]
    return len(set(runs)) / max(1, len(runs))
