"""Whether one translator is better than another: paired bootstrap over the sentences of a test.

Koehn (2004), "Statistical significance tests for machine translation evaluation": the test is drawn anew many times,
sentences with replacement, the same ones for both. sacreBLEU does it and gives the share of draws that would take the
difference away, its p.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

_COLUMNS = {"source", "translation", "truth"}


def compare_translations(one: Path, other: Path, draws: int = 1000) -> list[str]:
    """Returns lines that say how the BLEU and chrF of two runs differ, none where they translated no common test.

    Args:
        one: a run directory; what the other is compared with.
        other: a run directory.
        draws: of the test.
    """
    tables = [_read(directory) for directory in (one, other)]
    if tables[0] is None or tables[1] is None:
        return []
    if not tables[0][["source", "truth"]].equals(tables[1][["source", "truth"]]):
        return ["translations of different tests are not compared"]
    from sacrebleu.metrics import BLEU, CHRF
    from sacrebleu.metrics.base import Metric
    from sacrebleu.significance import PairedTest

    truth = list(tables[0]["truth"])
    systems: list[tuple[str, Sequence[str]]] = [
        (str(place), list(table["translation"])) for place, table in enumerate(tables) if table is not None
    ]
    metrics: dict[str, Metric] = {
        name: kind(references=[truth]) for name, kind in (("BLEU", BLEU), ("chrF", CHRF))
    }
    _, found = PairedTest(systems, metrics, None, test_type="bs", n_samples=draws)()
    lines = []
    for name in metrics:
        results: Any = found[next(key for key in found if key.lower().startswith(name.lower()))]
        first, second = results
        scores = f"{name} {second.score:.2f} against {first.score:.2f}"
        scores = f"{name} {second.score:.2f} against {first.score:.2f}"
        lines.append(f"{scores}: p = {second.p_value:.3f} by {draws} paired bootstrap draws")
    return lines


def _read(directory: Path) -> pd.DataFrame | None:
    path = directory / "predictions.csv"
    if not path.is_file() or not set(pd.read_csv(path, nrows=0)) >= _COLUMNS:
        return None
    return pd.read_csv(path, keep_default_na=False)
