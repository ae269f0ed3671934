"""Folders of small clips, and a cache of their own for decoded frames."""

import numpy as np
import pytest
from video_clips import encode


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LSTM_LAB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def clip_folder(tmp_path):
    """Writes class/clip.avi: left or right half bright, twelve clips of each by default."""

    def write(count=12, frames=6, name="clips"):
        root = tmp_path / name
        for label in ("left", "right"):
            (root / label).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                pixels = np.full((frames, 32, 32, 3), 20 + number, np.uint8)
                half = slice(0, 16) if label == "left" else slice(16, 32)
                pixels[:, :, half] = 200
                encode(root / label / f"{label}_g{number // 2:02d}_{number}.avi", pixels)
        return root

    return write
