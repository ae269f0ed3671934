"""From clips, as files or as text, to frames of one size, and from predictions to labels with times or to pictures."""

from __future__ import annotations

import base64
import io
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
from lstm_lab.data.video.reading import Form, Read, read_clip
from lstm_lab.data.video.sampling import choose_frames
from lstm_lab.errors import UserError

# A clip may be so much longer than the longest of the data before it is cut in pieces.
_TOLERANCE = 1.1


@dataclass
class ClipProcessor:
    """Reads clips as the training data was read.

    Attributes:
        form: size, colours and rate of the frames.
        count: frames that are read of a clip, 0 for all.
        way: how they are chosen, see `lstm_lab.data.video.sampling`.
        window: frames of the longest clip of the data; a longer one is cut into pieces of so many, each with a
            label of its own. 0 never cuts.
        classes: names of the classes; empty where frames are predicted.
        sample: a clip as text for the example; noise if empty, for pictures of people do not belong in a checkpoint.
    """

    form: Form
    count: int
    way: str
    window: int
    classes: list[str]
    sample: str = ""

    def to_plain(self) -> dict[str, Any]:
        """Plain data for the checkpoint."""
        return {"kind": "clips", **asdict(self)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> ClipProcessor:
        """Rebuilds a processor from what `to_plain` gave."""
        rest = {name: value for name, value in plain.items() if name not in ("kind", "form")}
        return cls(form=Form(**plain["form"]), **rest)

    def table(self, raw: Any) -> pd.DataFrame:
        """Lists clips as a table, one row a piece: ``clip``, and ``start`` and ``end`` where it is cut.

        Args:
            raw: a table already; a clip (a video file, a folder of pictures, an array file), a folder of clips; an
                array of frames (T, H, W[, C]); or a list of these. None gives the example.

        Raises:
            UserError: if there is nothing.
        """
        if isinstance(raw, pd.DataFrame):
            return raw
        if raw is None:
            return self.example()
        if isinstance(raw, (np.ndarray, Tensor)):
            return pd.DataFrame({"clip": [as_text(np.asarray(raw))]})
        places = [raw] if isinstance(raw, (str, Path)) else list(raw)
        rows = []
        for place in places:
            for where in clips_below(place):
                rows += self._pieces(where)
        table = pd.DataFrame(rows)
        return table.drop(columns=["start", "end"]) if table["start"].isna().all() else table

    def _pieces(self, where: str) -> list[dict[str, Any]]:
        whole: list[dict[str, Any]] = [{"clip": where, "start": np.nan, "end": np.nan}]
        if not self.window:
            return whole
        times = read_clip(where, self.form).times
        if len(times) <= self.window * _TOLERANCE:
            return whole
        # As many pieces as fit, the last one with the rest where that is less than half of one.
        count = max(1, round(len(times) / self.window))
        firsts = [number * self.window for number in range(count)]
        lasts = [*(first - 1 for first in firsts[1:]), len(times) - 1]
        return [
            {"clip": where, "start": times[first], "end": times[last]}
            for first, last in zip(firsts, lasts, strict=True)
        ]

    def to_batch(self, table: pd.DataFrame) -> Batch:
        """Reads the clips of a table.

        Raises:
            UserError: naming a clip that cannot be used.
        """
        if "clip" not in table:
            raise UserError(
                "the table lacks the column clip: a path, or a file as text, data:video/mp4;base64,…"
            )
        found: dict[str, Read] = {}
        sequences = []
        for row in table.to_dict("records"):
            where = str(row["clip"])
            if where not in found:
                found = {where: read_clip(where, self.form)}  # pieces of one clip follow on one another
            frames, times = torch.from_numpy(found[where].frames.copy()), torch.from_numpy(found[where].times)
            if not pd.isna(row.get("start", np.nan)):
                frames = frames[(times >= row["start"]) & (times <= row["end"])]
            places, real = choose_frames(torch.tensor([len(frames)]), self.count, self.way)
            sequences.append(frames[places[0, : int(real)]])
        return Batch.pad(sequences)

    def finish(self, predictions: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the predictions as they are."""
        return predictions

    def to_frame(self, predictions: dict[str, Tensor], table: pd.DataFrame) -> pd.DataFrame:
        """Returns a row a piece with its label and times, or a row a predicted frame with its picture as text."""
        shown = [
            str(clip) if len(str(clip)) < 200 else f"clip {number}"
            for number, clip in enumerate(table["clip"])
        ]
        if self.classes:
            found = label_frame(predictions["probabilities"], self.classes)
            for column in ("end", "start"):
                if column in table:
                    found.insert(0, column, table[column].to_numpy())
            found.insert(0, "clip", shown)
            return found
        frames = as_bytes(predictions["frames"])  # (B, S, C, H, W)
        rows = [
            {"clip": shown[clip], "frame": step + 1, "picture": picture_text(frame)}
            for clip, clip_frames in enumerate(frames)
            for step, frame in enumerate(clip_frames)
        ]
        return pd.DataFrame(rows)

    def example(self) -> pd.DataFrame:
        """Returns a clip to try a model with."""
        if self.sample:
            return pd.DataFrame({"clip": [self.sample]})
        shape = (max(self.count, 2), self.form.height, self.form.width, self.form.channels)
        noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        return pd.DataFrame({"clip": [as_text(noise)]})


def as_bytes(frames: Tensor) -> Tensor:
    """Returns frames from 0 to 1 as uint8."""
    return (frames.clamp(0, 1) * 255).round().to(torch.uint8)


def as_text(frames: np.ndarray) -> str:
    """Returns an array of frames as a file in text."""
    file = io.BytesIO()
    np.savez_compressed(file, frames=frames)
    return "data:application/npz;base64," + base64.b64encode(file.getvalue()).decode()


def picture_text(frame: Tensor) -> str:
    """Returns a frame (C, H, W) uint8 as a PNG in text."""
    from PIL import Image

    file = io.BytesIO()
    pixels = frame.permute(1, 2, 0).squeeze(-1) if frame.shape[0] == 1 else frame.permute(1, 2, 0)
    Image.fromarray(pixels.contiguous().numpy()).save(file, format="PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
