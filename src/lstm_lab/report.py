"""What a person sees at the end of a run: the table, the verdict, the protocol, and where to look."""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from lstm_lab.evaluation import Tested


def announce(data: Any, model: Any, threads: int, chunk: int, max_steps: int, seconds: float) -> None:
    """Says in two lines what is about to happen and how long it may take."""
    weights = sum(parameter.numel() for parameter in model.parameters())
    members = len(model.members)
    networks = f"{members} networks, " if members > 1 else ""
    console = _console()
    console.print(data.describe(), highlight=False, soft_wrap=True)
    if data.kept:
        console.print(data.kept, highlight=False, soft_wrap=True)
    console.print(
        f"{model.hparams['cell']}: {networks}{weights:,} weights on {threads} thread{'s' * (threads > 1)}, at most "
        f"{max_steps} steps, {chunk} at a time: about {_duration(max_steps * seconds)} or less, {_size(weights)}",
        highlight=False,
    )


def show(tested: Tested, name: str, data: Any, lines: list[str]) -> None:
    """Prints the final table with the model among its baselines, then the verdict and the given lines."""
    console = _console()
    unit = f" ({data.spec.unit})" if data.spec.unit else ""
    table = Table(title=f"test: {data.title}{unit}", title_justify="left", box=None, pad_edge=False)
    table.add_column("", no_wrap=True)  # titles of numbers break, names do not
    for title in tested.shown.values():
        table.add_column(title, justify="right")
    ours = {key: tested.metrics[f"test/{key}"] for key in tested.shown}
    for label, row in _ranked(name, ours, tested):
        style = "bold green" if label == name else ""
        table.add_row(str(label), *(_number(row.get(key)) for key in tested.shown), style=style)
    console.print(table)
    for baseline, reason in tested.left_out.items():
        console.print(f"left out: {baseline} ({reason})", highlight=False)
    console.print(f"\n[bold]{name} {tested.verdict}[/bold]", highlight=False)
    for line in [*tested.notes, *lines]:
        console.print(line, highlight=False, soft_wrap=True)


def _ranked(name: str, ours: dict[str, float], tested: Tested) -> list[tuple[str, dict]]:
    """The rows of the table: baselines as they are sorted, ours where it belongs by the deciding number."""
    rows = [(str(label), dict(row)) for label, row in tested.baselines.iterrows()]
    key = next(iter(ours))
    better = [row[key] > ours[key] if tested.larger else row[key] < ours[key] for _, row in rows]
    rows.insert(sum(better), (name, ours))
    return rows


def _number(value: float | None) -> str:
    return "" if value is None or pd.isna(value) else f"{value:.4g}"


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
