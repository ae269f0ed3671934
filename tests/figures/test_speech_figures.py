"""Pictures of sounds are drawn at the size of the house, whatever is heard."""

import numpy as np
import pytest
from matplotlib.image import imread

from lstm_lab.figures.speech import draw_alignment, draw_clips


@pytest.mark.parametrize("heard", [True, False])
def test_an_alignment(tmp_path, heard):
    probabilities = np.full((6, 3), 0.1)
    probabilities[:, 0] = 0.8
    if heard:
        probabilities[2] = [0.1, 0.1, 0.8]
    features = np.random.default_rng(0).normal(size=(12, 5))
    figure = draw_alignment(
        tmp_path / "a.png", features, probabilities, ("", "a", "b"), 0.02, 0.01, "said: b"
    )
    assert imread(tmp_path / "a.png").shape[:2] == (600, 1200)
    assert [text.get_text() for text in figure.axes[1].texts] == (["b"] if heard else [])


@pytest.mark.parametrize("count", [1, 3, 9])
def test_clips(tmp_path, count):
    clips = [(np.zeros((4 + n, 5)), "yes", "yes" if n else "no") for n in range(count)]
    figure = draw_clips(tmp_path / "a.png", clips, 0.01, "hardest")
    shown = [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()]
    assert len(shown) == min(count, 8)
    assert shown[0] == "yes, heard as no"
