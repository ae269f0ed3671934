"""Pictures of language models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd

matplotlib.use("Agg")
import matplotlib.pyplot as plt

_COLUMNS, _ROWS = 90, 22


def draw_surprise(path: Path, tokens: pd.DataFrame) -> None:
    """Draws the beginning of a test text, each token on a ground as dark as it was surprising.

    Args:
        path: the file to write.
        tokens: ``token`` and ``nats``, in the order of the text.
    """
    figure, axes = plt.subplots(figsize=(11, 5), layout="constrained")
    colours, top = plt.get_cmap("Oranges"), max(1e-9, float(tokens["nats"].quantile(0.98)))
    row = column = 0
    spaced = tokens["token"].str.len().mean() > 1.5  # words and subwords are told apart by a gap
    for token, nats in zip(tokens["token"], tokens["nats"], strict=True):
        shown = token.replace("\n", "¶").replace("\t", "→").replace("$", r"\$")
        if column + len(shown) > _COLUMNS:
            row, column = row + 1, 0
        if row >= _ROWS:
            break
        share = min(1.0, nats / top)
        ink = "white" if share > 0.75 else "black"
        style: dict[str, Any] = {"family": "monospace", "fontsize": 9, "va": "center", "color": ink}
        axes.text(column, row, shown, backgroundcolor=colours(share), **style)
        column += len(shown) + spaced
        if token == "\n":
            row, column = row + 1, 0
    axes.set(xlim=(-1, _COLUMNS + 2), ylim=(_ROWS, -1))
    axes.axis("off")
    scale = plt.cm.ScalarMappable(plt.Normalize(0, top), colours)
    figure.colorbar(scale, ax=axes, label="nats", fraction=0.02)
    figure.suptitle(
        "the beginning of the test, and how much each token surprised the model", x=0.02, ha="left"
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)
