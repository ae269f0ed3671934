"""What a person sees at the end of a run: the table, the verdict, the protocol, and where to look."""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from lstm_lab.evaluation import Tested, verdict

_SHOWN = {"rmse": "RMSE", "mae": "MAE", "mape": "MAPE %", "smape": "sMAPE %", "mase": "MASE"}


def announce(data: Any, model: Any, threads: int, chunk: int, max_steps: int, seconds: float) -> None:
    """Says in two lines what is about to happen and how long it may take."""
    weights = sum(parameter.numel() for parameter in model.parameters())
    members = len(model.members)
    networks = f"{members} networks, " if members > 1 else ""
    console = _console()
    console.print(data.describe(), highlight=False)
    console.print(
        f"{model.hparams['cell']}: {networks}{weights:,} weights on {threads} thread{'s' * (threads > 1)}, at most "
        f"{max_steps} steps, {chunk} at a time: about {_duration(max_steps * seconds)} or less, {_size(weights)}",
        highlight=False,
    )


def show(tested: Tested, name: str, data: Any, lines: list[str]) -> None:
    """Prints the final table with the model among its baselines, then the verdict and the given lines."""
    console = _console()
    unit = f" ({data.spec.unit})" if data.spec.unit else ""
    table = Table(title=f"test: {data.series.name}{unit}", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for title in _SHOWN.values():
        table.add_column(title, justify="right")
    ours = pd.DataFrame({name: {key: tested.metrics[f"test/{key}"] for key in _SHOWN}}).T
    rows = pd.concat([ours, tested.baselines]).sort_values("rmse", kind="stable")
    for label, row in rows.iterrows():
        style = "bold green" if label == name else ""
        table.add_row(str(label), *(f"{row[key]:.4g}" for key in _SHOWN), style=style)
    console.print(table)
    for baseline, reason in tested.left_out.items():
        console.print(f"left out: {baseline} ({reason})", highlight=False)
    console.print(f"\n[bold]{name} {verdict(tested.metrics, tested.baselines)}[/bold]", highlight=False)
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def _size(weights: int) -> str:
    # The best checkpoint, its copy in the logged model, and two generations of weights with Adam's two moments.
    kilobytes = 4 * weights * (1 + 1 + 2 * 3) / 1000 + 500  # pictures, tables and the record
    return f"{kilobytes / 1000:.1f} MB"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _console() -> Console:
    # A pipe gets plain text of a fixed width, so that logs can be compared.
    console = Console()
    return console if console.is_terminal else Console(width=110, force_terminal=False)
