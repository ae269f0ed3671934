"""What a net hears: spectrograms with what was made of them, and the step at which each symbol is heard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lstm_lab.figures.page import INK, OTHER, OURS, QUIET, save, sheet

_COLOURS = (
    OURS,
    OTHER,
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
)  # Okabe and Ito's, told apart by everybody
_CLIPS = 8


def draw_alignment(
    path: Path,
    features: np.ndarray,
    probabilities: np.ndarray,
    names: Sequence[str],
    step: float,
    hop: float,
    title: str,
) -> Figure:
    """Draws features above the probability of each symbol over time.

    Args:
        path: where the PNG goes.
        features: (T, F).
        probabilities: (T', S), the blank first.
        names: of the S symbols.
        step: seconds of a step of the net.
        hop: seconds of a frame of the features.
        title: one line above the picture.
    """
    figure = sheet(title)
    above, below = figure.subplots(2, 1, sharex=True)
    _spectrogram(above, features, hop)
    times = (np.arange(len(probabilities)) + 0.5) * step
    below.plot(times, probabilities[:, 0], color=QUIET, linewidth=1.0, linestyle=(0, (1, 2)))
    best = probabilities.argmax(axis=1)
    for number in sorted(set(best.tolist()) - {0}):
        colour = _COLOURS[number % len(_COLOURS)]
        below.plot(times, probabilities[:, number], color=colour, linewidth=1.4)
    begins = np.flatnonzero((best != 0) & (best != np.r_[0, best[:-1]]))
    for place in begins:
        word = names[best[place]].replace(" ", "␣")
        below.text(
            times[place], 1.04, word, ha="center", fontsize=8, color=_COLOURS[best[place] % len(_COLOURS)]
        )
    below.set_ylim(0, 1.15)
    below.set_ylabel("probability", color=INK)
    below.set_xlabel("seconds (dotted: blank)", color=INK)
    _quiet(below)
    return save(figure, path)


def draw_clips(path: Path, clips: Sequence[tuple[np.ndarray, str, str]], hop: float, title: str) -> Figure:
    """Draws the features of a few clips with what was said and what was heard.

    Args:
        path: where the PNG goes.
        clips: features (T, F), the truth, and the prediction of each.
        hop: seconds of a frame.
        title: one line above the picture.
    """
    figure = sheet(title)
    shown = clips[:_CLIPS]
    columns = (len(shown) + 1) // 2
    grid = figure.subplots(2, columns, squeeze=False)
    for axes in grid.flat[len(shown) :]:
        axes.set_visible(False)
    for axes, (features, truth, found) in zip(grid.flat, shown, strict=False):
        _spectrogram(axes, features, hop)
        right = truth == found
        heard = f"{truth}: right" if right else f"{truth}, heard as {found}"
        axes.set_title(heard, fontsize=9, color=INK if right else OTHER, loc="left")
        axes.set_ylabel("")
    return save(figure, path)


def _spectrogram(axes: Axes, features: np.ndarray, hop: float) -> None:
    low, high = np.percentile(features, [2, 99])
    extent = (0.0, len(features) * hop, 0.0, float(features.shape[1]))
    axes.imshow(
        features.T,
        origin="lower",
        aspect="auto",
        extent=extent,
        cmap="magma",
        vmin=low,
        vmax=max(high, low + 1e-6),
    )
    axes.set_ylabel("feature", color=INK)
    _quiet(axes)


def _quiet(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=0, labelcolor=INK, labelsize=9)
