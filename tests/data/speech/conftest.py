from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile


@pytest.fixture
def record() -> Callable[..., Path]:
    """Writes a recording: a tone whose pitch says which label it has."""

    def write(
        path: Path, hz: float = 440.0, seconds: float = 0.2, rate: int = 8000, **options: object
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        t = np.arange(int(seconds * rate)) / rate
        soundfile.write(path, 0.5 * np.sin(2 * np.pi * hz * t), rate, **options)
        return path

    return write


@pytest.fixture
def recordings(tmp_path, record) -> Path:
    """Two labels by three speakers, four takes each, of different lengths."""
    folder = tmp_path / "recordings"
    for label, hz in (("low", 300.0), ("high", 1200.0)):
        for number, speaker in enumerate(("ann", "bob", "cem")):
            for take in range(4):
                record(
                    folder / label / f"{speaker}_{take}.wav", hz + 20 * number + 3 * take, 0.1 + 0.03 * take
                )
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("LSTM_LAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "speech"
