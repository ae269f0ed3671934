"""Predicted frames: as a strip beside the truth, as a moving picture, and their error by step.

Shapes: N sequences, T known frames, S predicted ones, C channels, H rows, W columns; pixels from 0 to 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from lstm_lab.figures.page import INK, OTHER, OURS, QUIET, dress, save, sheet

# How long a frame of a moving picture is shown.
_MILLISECONDS = 200
_GAP = 0.04
# Inches above a strip, for its title and the numbers of the frames.
_TITLE = 0.8


def draw_strip(
    path: Path, known: np.ndarray, truth: np.ndarray | None, predicted: np.ndarray, title: str = ""
) -> None:
    """Draws for each sequence the known frames, then what came beside what was predicted.

    Args:
        path: where the PNG goes.
        known: (N, T, C, H, W).
        truth: (N, S, C, H, W); None where nobody knows it.
        predicted: (N, S, C, H, W).
        title: one line above.
    """
    rows = [
        (label, frames[number])
        for number in range(len(known))
        for label, frames in (("truth", truth), ("predicted", predicted))
        if frames is not None
    ]
    columns = known.shape[1] + predicted.shape[1]
    figure = sheet(title)
    width = figure.get_figwidth()
    height, across = known.shape[-2:]
    figure.set_figheight(min(width, len(rows) * width / columns * height / across + _TITLE))
    panels = figure.subplots(len(rows), columns, squeeze=False, gridspec_kw={"wspace": _GAP, "hspace": _GAP})
    each = len(rows) // len(known)
    for row, (label, frames) in enumerate(rows):
        for column in range(columns):
            axes = panels[row, column]
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            past = column < known.shape[1]
            if past and row % each:
                continue  # what is known is shown once
            frame = known[row // each, column] if past else frames[column - known.shape[1]]
            axes.imshow(_pixels(frame), cmap="gray", vmin=0, vmax=1)
            if row == 0:
                axes.set_title(str(column + 1), fontsize=8, color=QUIET if past else INK, pad=3)
        panels[row, known.shape[1]].set_ylabel(label, fontsize=8, color=OURS if label == "predicted" else INK)
    save(figure, path)


def draw_gif(
    path: Path, known: np.ndarray, truth: np.ndarray | None, predicted: np.ndarray, scale: int | None = None
) -> None:
    """Writes a moving picture: one column a sequence, the truth above the prediction, a bright edge while it predicts.

    Args:
        path: where the GIF goes.
        known: (N, T, C, H, W).
        truth: (N, S, C, H, W); None where nobody knows it.
        predicted: (N, S, C, H, W).
        scale: pixels of the picture for each of the frame; None makes it large enough to look at.
    """
    from PIL import Image

    scale = scale or max(1, 128 // known.shape[-1])
    upper = np.concatenate([known, predicted if truth is None else truth], axis=1)
    both = [upper] if truth is None else [upper, np.concatenate([known, predicted], axis=1)]
    pictures = []
    for time in range(upper.shape[1]):
        edge = 1.0 if time >= known.shape[1] else 0.25
        lines = [np.concatenate([_framed(one[time], scale, edge) for one in line], axis=1) for line in both]
        pictures.append(Image.fromarray(np.concatenate(lines, axis=0)))
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=_MILLISECONDS, loop=0)


def draw_steps(path: Path, table: pd.DataFrame, title: str) -> None:
    """Draws an error by how far ahead a frame lies.

    Args:
        path: where the PNG goes.
        table: a row a step, a column a model, ours first.
        title: one line above.
    """
    figure = sheet(title)
    axes = figure.add_subplot()
    steps = np.arange(1, len(table) + 1)
    dress(axes, pd.Index(steps))
    for name, colour, dash in zip(table, (OURS, OTHER, QUIET), ("-", "--", ":"), strict=False):
        axes.plot(steps, table[name], color=colour, linestyle=dash, linewidth=2.0, marker="o", label=name)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("frames ahead", color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, labelcolor=INK)
    save(figure, path)


def _pixels(frame: np.ndarray) -> np.ndarray:
    """A frame (C, H, W) as matplotlib takes it."""
    return frame[0] if len(frame) == 1 else frame.transpose(1, 2, 0)


def _framed(frame: np.ndarray, scale: int, edge: float) -> np.ndarray:
    """A frame (C, H, W) as (h, w, 3) uint8, enlarged, with a thin edge."""
    pixels = np.broadcast_to(frame, (3, *frame.shape[1:])).transpose(1, 2, 0)
    pixels = np.rint(pixels.clip(0, 1) * 255).astype(np.uint8).repeat(scale, 0).repeat(scale, 1)
    shade = round(255 * edge)
    pixels[[0, -1]], pixels[:, [0, -1]] = shade, shade
    return pixels
