"""Strips, moving pictures and curves: written where asked, of the frames that were given."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lstm_lab.figures.video import draw_gif, draw_steps, draw_strip


def frames(count, channels=1, seed=0):
    return np.random.default_rng(seed).random((2, count, channels, 8, 8))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_moving_picture_shows_the_truth_above_the_prediction(tmp_path, channels):
    known, truth, predicted = (
        frames(3, channels),
        np.ones((2, 2, channels, 8, 8)) - [[[[[0]]], [[[0.1]]]]],
        np.zeros((2, 2, channels, 8, 8)),
    )
    draw_gif(tmp_path / "a" / "b.gif", known, truth, predicted, scale=4)
    with Image.open(tmp_path / "a" / "b.gif") as picture:
        assert picture.n_frames == 5
        assert picture.size == (2 * 8 * 4, 2 * 8 * 4)
        picture.seek(4)
        last = np.asarray(picture.convert("L"))
    assert last[16, 16] > 220
    assert last[48, 16] < 5


@pytest.mark.parametrize("truth", [None, frames(2, seed=1)])
def test_strips_with_and_without_a_truth(tmp_path, truth):
    draw_strip(tmp_path / "strip.png", frames(3), truth, frames(2, seed=2), "title")
    with Image.open(tmp_path / "strip.png") as picture:
        assert picture.width == 1200
        assert picture.height < 1100


def test_errors_by_step(tmp_path):
    draw_steps(tmp_path / "steps.png", pd.DataFrame({"ours": [1.0, 2.0], "copy": [3.0, 4.0]}), "title")
    assert (tmp_path / "steps.png").stat().st_size > 5000
