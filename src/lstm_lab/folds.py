"""``python -m lstm_lab.folds model=lstm data=splice``: each fold is the test once; one table for all of them.

It takes the words of ``python -m lstm_lab.train``, for any data that has folds.
"""

from __future__ import annotations

import contextlib
import io
import json
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_lab.doors import answer, compose_config, plain_settings

if TYPE_CHECKING:
    import pandas as pd


USAGE = """usage: python -m lstm_lab.folds data=… [model=… key=value …]
Every fold of the data is the test once, in a run of its own. Words are those of lstm_lab.train, but for data.fold=."""


def command(argv: list[str]) -> None:
    """Trains and tests on every fold, prints a line for each and the table of all."""
    if {"--help", "-h"} & set(argv):
        print(USAGE)
        return
    from lstm_lab import experiment
    from lstm_lab.errors import UserError

    if any(word.startswith(("-", "data.fold=", "resume=")) for word in argv):
        raise UserError(
            "folds takes the words of train, but no flags, data.fold= or resume=: it goes through all folds."
        )
    settings = plain_settings(compose_config(argv))
    count = _count(settings, argv)
    home = _home(settings)
    started, done = time.monotonic(), []
    for fold in range(count):
        words = [*argv, f"data.fold={fold}"]
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            result = experiment.join(plain_settings(compose_config(words)), words, home / "folds" / str(fold))
        assert result.directory is not None
        done.append(result.directory)
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in list(result.metrics.items())[:3])
        print(f"fold {fold + 1} of {count}: {numbers}", flush=True)
    table, tested = summary(done, settings["model"]["cell"].upper())
    facts = {"folds": count, "tested": tested, "seconds": round(time.monotonic() - started, 1)}
    plain = {str(name): {key: float(value) for key, value in row.items()} for name, row in table.iterrows()}
    (home / "metrics.json").write_text(json.dumps({**facts, "table": plain}, indent=2) + "\n")
    _join_predictions(done).to_csv(home / "predictions.csv", index=False)
    print(f"\nmean over {tested:,} tested samples of {count} folds, ± deviation between folds\n")
    print(shown_table(table).to_string())
    print(f"\nfolds:    {home}")


def _count(settings: dict[str, Any], argv: list[str]) -> int:
    from lstm_lab.data import SequenceDataModule
    from lstm_lab.errors import UserError
    from lstm_lab.planning import allowed_targets
    from lstm_lab.wiring import build

    node = settings["data"]
    data = build(node, SequenceDataModule, allowed_targets(settings, argv), **_seed(node, settings["seed"]))
    count = getattr(data, "fold_count", 1)
    if count < 2 and "folds" not in node:
        raise UserError(
            f"data={node['name']} has no folds: how it is made, or its publisher, says what the test is."
        )
    if count < 2:
        raise UserError(
            f"data={node['name']} has no folds as it is. Set data.folds=10, or all to leave one group out."
        )
    return int(count)


def _seed(node: dict[str, Any], seed: int) -> dict[str, Any]:
    return {} if "seed" in node else {"seed": seed}


def _home(settings: dict[str, Any]) -> Path:
    from lstm_lab.paths import outputs_dir

    stamp = time.strftime("%Y%m%d-%H%M%S")
    name = f"{stamp}-{settings['model']['cell']}-{settings['data']['name']}-{secrets.token_hex(3)}"
    return outputs_dir() / "folds" / name


def summary(runs: list[Path], name: str) -> tuple[pd.DataFrame, int]:
    """Returns means and deviations of every number, weighed by the samples of each fold, and how many these are.

    Args:
        runs: directories of the folds.
        name: of the model's row.
    """
    import numpy as np
    import pandas as pd

    facts = [json.loads((run / "metrics.json").read_text()) for run in runs]
    sizes = np.array([len(pd.read_csv(run / "predictions.csv")) for run in runs], dtype=float)
    rows: dict[str, dict[str, list[float]]] = {}
    for fact in facts:
        ours = {key.removeprefix("test/"): value for key, value in fact["metrics"].items()}
        for label, numbers in {name: ours, **fact["baselines"]}.items():
            for key, value in numbers.items():
                rows.setdefault(label, {}).setdefault(key, []).append(
                    np.nan if value is None else float(value)
                )
    table: dict[str, dict[str, float]] = {}
    for label, numbers in rows.items():
        table[label] = {}
        for key, values in numbers.items():
            if len(values) != len(sizes):
                continue  # a baseline that some folds left out
            mean = float(np.average(values, weights=sizes))
            table[label][key] = mean
            table[label][f"{key} ±"] = float(np.std(values, ddof=1))
    return pd.DataFrame(table).T, int(sizes.sum())


def shown_table(table: pd.DataFrame) -> pd.DataFrame:
    """Returns a table of text with "mean ± deviation" in each cell."""
    import pandas as pd

    keys = [key for key in table.columns if not key.endswith(" ±")]
    cells = {
        key: [
            "" if pd.isna(row[key]) else f"{row[key]:.4g} ± {row[f'{key} ±']:.2g}"
            for _, row in table.iterrows()
        ]
        for key in keys
    }
    return pd.DataFrame(cells, index=table.index)


def _join_predictions(runs: list[Path]) -> pd.DataFrame:
    import pandas as pd

    tables = [pd.read_csv(run / "predictions.csv").assign(fold=fold) for fold, run in enumerate(runs)]
    return pd.concat(tables, ignore_index=True)


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
