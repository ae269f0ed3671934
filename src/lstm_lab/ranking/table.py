"""From the scores of runs to the table of a leaderboard, and to words.

A model of which a seed failed gets no mean: the mean of the others would hide what happened.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from lstm_lab.ranking import statistics
from lstm_lab.ranking.scores import Score

COLUMNS = [
    "kind", "seeds", "mean", "low", "high", "deviation", "difference", "p_t", "p_exact",
    "parameters", "seconds", "memory_mb", "failed",
]  # fmt: skip


def seed_table(scores: Sequence[Score], metric: str) -> pd.DataFrame:
    """Returns one row a run: model, seed, value, what it took, why it failed, and where it lies."""
    rows = [
        {
            "model": score.model,
            "seed": score.seed,
            metric: score.metrics.get(metric, math.nan),
            "seconds": score.seconds,
            "memory_mb": score.peak_memory / 1e6,
            "parameters": score.parameters,
            "failed": score.failure,
            "run": str(score.directory),
        }
        for score in scores
    ]
    return pd.DataFrame(rows)


def build_table(scores: Sequence[Score], metric: str, larger: bool) -> pd.DataFrame:
    """Returns one row a model and one a baseline, the best mean first, models with failed seeds last.

    Columns: ``kind`` (model or baseline), ``seeds`` that gave a number, ``mean`` with its 95 % bootstrap interval
    ``low`` to ``high``, ``deviation`` between seeds, ``difference`` to the best model and its p by `paired_t` and by
    `sign_flips`, both corrected by Holm's rule; ``parameters``, mean ``seconds``, largest ``memory_mb``; ``failed``,
    which seeds and why. The index holds the names.

    Args:
        scores: of all runs.
        metric: the number that is compared.
        larger: whether a larger one is better.
    """
    rows: dict[str, dict[str, object]] = {}
    values: dict[str, pd.Series] = {}
    for model in dict.fromkeys(score.model for score in scores):
        own = [score for score in scores if score.model == model]
        rows[model] = _row(own, metric)
        if not rows[model]["failed"]:
            values[model] = pd.Series({score.seed: score.metrics[metric] for score in own}).sort_index()
    _compare(rows, values, larger)
    for name, numbers in _baselines(scores, metric).items():
        rows[name if name not in rows else f"{name} (baseline)"] = {
            "kind": "baseline",
            "mean": float(np.mean(numbers)),
            "failed": "",
        }
    table = pd.DataFrame.from_dict(rows, orient="index").reindex(columns=COLUMNS)
    order = table["mean"].astype(float).sort_values(ascending=not larger, na_position="last", kind="stable")
    return table.loc[order.index]


def _row(own: Sequence[Score], metric: str) -> dict[str, object]:
    values = [score.metrics[metric] for score in own if not score.failure]
    failed = [f"seed {score.seed}: {score.failure}" for score in own if score.failure]
    failed += [
        f"seed {s.seed}: no number" for s in own if not s.failure and not math.isfinite(s.metrics[metric])
    ]
    row: dict[str, object] = {"kind": "model", "seeds": len(own) - len(failed), "failed": "; ".join(failed)}
    seconds = [score.seconds for score in own if math.isfinite(score.seconds)]
    memory = [score.peak_memory for score in own if math.isfinite(score.peak_memory)]
    row["parameters"] = max((s.parameters for s in own if math.isfinite(s.parameters)), default=math.nan)
    row["seconds"] = float(np.mean(seconds)) if seconds else math.nan
    row["memory_mb"] = max(memory) / 1e6 if memory else math.nan
    if not failed:
        row["mean"], row["deviation"] = float(np.mean(values)), float(np.std(values, ddof=1))
        row["low"], row["high"] = statistics.interval(values)
    return row


def _compare(rows: dict[str, dict[str, object]], values: dict[str, pd.Series], larger: bool) -> None:
    """Adds to each model how it differs from the best one, seed by seed."""
    if len(values) < 2:
        return
    best = (max if larger else min)(values, key=lambda name: values[name].mean())
    others = [name for name in values if name != best and values[name].index.equals(values[best].index)]
    for key, test in (("p_t", statistics.paired_t), ("p_exact", statistics.sign_flips)):
        corrected = statistics.holm([test(list(values[name]), list(values[best])) for name in others])
        for name, p in zip(others, corrected, strict=True):
            rows[name][key] = p
    for name in others:
        rows[name]["difference"] = float((values[name] - values[best]).mean())


def _baselines(scores: Sequence[Score], metric: str) -> dict[str, list[float]]:
    """The baselines' numbers, one a seed: models see the same data, so the first run of each seed has them all."""
    found: dict[str, list[float]] = {}
    seen = set()
    for score in scores:
        if score.failure or score.seed in seen:
            continue
        seen.add(score.seed)
        for name, row in score.baselines.items():
            if metric in row and math.isfinite(row[metric]):
                found.setdefault(name, []).append(row[metric])
    return found


def shown_table(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Returns the table as text: intervals in brackets, nothing where there is nothing to say."""
    shown = pd.DataFrame(index=table.index)
    shown[metric] = [
        "failed" if failed else _text(mean)
        for mean, failed in zip(table["mean"], table["failed"], strict=True)
    ]
    shown["95 % interval"] = [
        "" if math.isnan(low) else f"{_text(low)} to {_text(high)}"
        for low, high in zip(table["low"], table["high"], strict=True)
    ]
    shown["against the best"] = [
        "" if math.isnan(one) else f"{one:+.4g}" for one in table["difference"].astype(float)
    ]
    for column, title in (("p_t", "p (t)"), ("p_exact", "p (exact)")):
        shown[title] = ["" if math.isnan(p) else f"{p:.2g}" for p in table[column].astype(float)]
    shown["seeds"] = ["" if math.isnan(one) else f"{one:.0f}" for one in table["seeds"].astype(float)]
    shown["parameters"] = [
        "" if math.isnan(one) else f"{one:,.0f}" for one in table["parameters"].astype(float)
    ]
    for column, title in (("seconds", "seconds"), ("memory_mb", "MB")):
        shown[title] = ["" if math.isnan(one) else f"{one:.3g}" for one in table[column].astype(float)]
    shown["MB"] = ["" if math.isnan(one) else f"{one:.0f}" for one in table["memory_mb"].astype(float)]
    return shown


def explain(table: pd.DataFrame, seeds: int, larger: bool) -> list[str]:
    """Returns what a reader has to know of the numbers, a line each."""
    covered = statistics.COVERED[max(n for n in statistics.COVERED if n <= seeds)]
    lines = [
        f"mean over {seeds} seeds, {'larger' if larger else 'smaller'} is better; percentile bootstrap over seeds, "
        f"drawn for 95 %: of normal numbers {seeds} hold their mean in {covered} of 100 cases"
    ]
    if table["p_t"].notna().any() or table["p_exact"].notna().any():
        compared = int((table["kind"] == "model").sum()) - 1
        lines.append(
            "p against the best model, paired over seeds, corrected for their number (Holm): t takes differences for "
            "normal; exact flips their signs and cannot fall below "
            f"{min(1.0, compared * statistics.smallest_p(seeds)):.2g} here"
        )
    lines += [f"{name} failed and has no mean: {why}" for name, why in table["failed"].items() if why]
    return lines


def _text(value: float) -> str:
    return f"{value:.4g}"
