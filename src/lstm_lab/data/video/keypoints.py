"""Keypoint sequences: what MediaPipe and its like find in each frame, one array a frame, straight into the core.

The layout of hundreds of projects loads as it is: ``class/sample/0.npy``, ``1.npy``, …, each with F numbers; so do
``class/sample.npy`` and ``.npz`` with (T, F) or (T, points, coordinates).

Shapes: B samples, T frames, F numbers of a frame.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.labels import label_frame
from lstm_lab.data.video.listing import clips_below
from lstm_lab.data.video.processor import as_text
from lstm_lab.data.video.reading import BadClip, decoded, load_array
from lstm_lab.errors import UserError


def read_keypoints(where: str, size: int | None = None) -> np.ndarray:
    """Reads a sample.

    Args:
        where: a folder with one numbered array a frame, or an array of all frames, perhaps as text.
        size: F; not checked if None.

    Returns:
        (T, F) float32, nan where a frame is missing among those that are numbered.

    Raises:
        BadClip: naming the file with another number of values than the others, or what else is wrong.
    """
    if where.startswith("data:"):
        array = load_array(io.BytesIO(decoded(where, "the sample")), "the sample")
    elif Path(where).is_dir():
        array = _from_folder(Path(where))
    else:
        array = load_array(where, where)
    if not np.issubdtype(array.dtype, np.number):
        raise BadClip(f"{where}: keypoints must be numbers.")
    if array.ndim < 2 or not array.size:
        raise BadClip(
            f"{where}: an array of shape {array.shape}; a sample is (T, F) or (T, points, coordinates)."
        )
    values = array.reshape(len(array), -1).astype(np.float32)
    if size is not None and values.shape[1] != size:
        raise BadClip(f"{where}: {values.shape[1]} values a frame, the others have {size}.")
    if np.isinf(values).any():
        raise BadClip(f"{where}: holds infinite values.")
    return values


def _from_folder(folder: Path) -> np.ndarray:
    files = {int(file.stem): file for file in folder.glob("*.npy") if file.stem.isdigit()}
    if not files:
        raise BadClip(f"{folder}: has no frames (0.npy, 1.npy, …).")
    frames: dict[int, np.ndarray] = {}
    count = None
    for number, file in sorted(files.items()):
        frames[number] = load_array(file, str(file)).ravel()
        count = frames[number].size if count is None else count
        if frames[number].size != count:
            raise BadClip(f"{file}: {frames[number].size} values, the frames before it have {count}.")
    first, last = min(files), max(files)
    assert count is not None
    whole = np.full((last - first + 1, count), np.nan, np.float32)
    for number, values in frames.items():
        whole[number - first] = values
    return whole


@dataclass
class KeypointProcessor:
    """Fills what was not seen, and adds how much of a frame was.

    Attributes:
        size: F.
        zeros: whether a number that is exactly 0 was not seen; MediaPipe writes zeros for a hand out of sight.
        velocity: whether the change since the frame before stands beside each number.
        middle: (F,) the mean of each number over the training part, for what was never seen before.
        classes: names of the classes.
    """

    size: int
    zeros: bool
    velocity: bool
    middle: list[float]
    classes: list[str]

    def to_plain(self) -> dict[str, Any]:
        """Plain data for the checkpoint."""
        return {"kind": "keypoints", **asdict(self)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> KeypointProcessor:
        """Rebuilds a processor from what `to_plain` gave."""
        return cls(**{name: value for name, value in plain.items() if name != "kind"})

    @property
    def names(self) -> tuple[str, ...]:
        """What a step of the input holds."""
        numbers = [f"k{number}" for number in range(self.size)]
        moved = [f"d{number}" for number in range(self.size)] if self.velocity else []
        return (*numbers, *moved, "seen")

    def seen(self, values: np.ndarray) -> np.ndarray:
        """Returns which numbers of (T, F) were seen."""
        return np.isfinite(values) & (values != 0) if self.zeros else np.isfinite(values)

    def sequence(self, values: np.ndarray) -> tuple[Tensor, Tensor]:
        """Returns a sample (T, F) as what the net reads (T, len(names)), and which of it was seen."""
        known = self.seen(values)
        # The last frame in which a number was seen, or -1: it stands still until it is seen again.
        rows = np.maximum.accumulate(np.where(known, np.arange(len(values))[:, None], -1))
        held = np.take_along_axis(values, np.maximum(rows, 0), axis=0)
        filled = np.where(rows >= 0, held, np.asarray(self.middle, np.float32))
        parts, observed = [filled], [known]
        if self.velocity:
            parts.append(np.diff(filled, axis=0, prepend=filled[:1]))
            observed.append(known)
        parts.append(known.mean(1, keepdims=True))
        observed.append(np.ones((len(values), 1), bool))
        both = np.concatenate(parts, 1).astype(np.float32), np.concatenate(observed, 1)
        return torch.from_numpy(both[0]), torch.from_numpy(both[1])

    def batch(
        self, samples: Sequence[np.ndarray], keys: Sequence[int], labels: Tensor | None = None
    ) -> Batch:
        """Pads samples to the longest."""
        pairs = [self.sequence(values) for values in samples]
        padded = Batch.pad([values for values, _ in pairs], keys)
        observed = torch.nn.utils.rnn.pad_sequence([seen for _, seen in pairs], batch_first=True)
        targets = {} if labels is None else {"class": labels}
        return Batch(padded.inputs, padded.lengths, padded.keys, targets, observed)

    def table(self, raw: Any) -> pd.DataFrame:
        """Lists samples as a table with the column ``clip``: a path, or an array as text."""
        if isinstance(raw, pd.DataFrame):
            return raw
        if raw is None:
            return self.example()
        if isinstance(raw, (np.ndarray, Tensor)):
            return pd.DataFrame({"clip": [as_text(np.asarray(raw))]})
        places = [raw] if isinstance(raw, (str, Path)) else list(raw)
        return pd.DataFrame({"clip": [where for place in places for where in clips_below(place)]})

    def to_batch(self, table: pd.DataFrame) -> Batch:
        """Reads the samples of a table."""
        if "clip" not in table:
            raise UserError("the table lacks the column clip: the path of a sample.")
        samples = [read_keypoints(str(where), self.size) for where in table["clip"]]
        return self.batch(samples, list(range(len(samples))))

    def finish(self, predictions: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the predictions as they are."""
        return predictions

    def to_frame(self, predictions: dict[str, Tensor], table: pd.DataFrame) -> pd.DataFrame:
        """Returns a row a sample: its label and the probabilities."""
        found = label_frame(predictions["probabilities"], self.classes)
        names = (
            str(clip) if len(str(clip)) < 200 else f"sample {row}" for row, clip in enumerate(table["clip"])
        )
        found.insert(0, "clip", list(names))
        return found

    def example(self) -> pd.DataFrame:
        """Returns a sample that stands still in the middle of all."""
        return pd.DataFrame({"clip": [as_text(np.tile(np.array(self.middle, np.float32), (5, 1)))]})
