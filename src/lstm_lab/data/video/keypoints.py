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
from lstm_lab.data.base import SequenceDataModule
from lstm_lab.data.folding import Folds
from lstm_lab.data.labels import classes_of, count_classes, label_frame, numbers_of
from lstm_lab.data.loader import ByLength
from lstm_lab.data.video.listing import Listed, clips_below, list_clips
from lstm_lab.data.video.processor import as_text
from lstm_lab.data.video.reading import BadClip, decoded, load_array
from lstm_lab.data.video.splits import count_folds, split_clips
from lstm_lab.data.video.store import POLICIES, fingerprint
from lstm_lab.errors import UserError, check_choice
from lstm_lab.spec import Spec, Target, Values


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


class KeypointsDataModule(SequenceDataModule):
    """Samples in ``class/sample``, one label each.

    Args:
        name: as in ``conf/data``.
        path: the folder.
        manifest: a csv that names samples, labels, groups, splits.
        group: a rule that finds the source of a sample in its name, see `lstm_lab.data.folding.group_names`.
        split: ``auto``, ``official``, ``group`` or ``random``.
        test: share of the samples, where it is drawn.
        validation: share of the others, where it is drawn.
        folds: null divides once; a number divides into so many test parts; ``all`` leaves one group out at a time.
        fold: which of them is the test part, from 0; or ``k/n``, the k-th of n.
        zeros: see `KeypointProcessor`.
        velocity: see `KeypointProcessor`.
        on_bad: ``fail`` or ``skip`` for samples that cannot be used.
        batch_size: samples in a global batch; those of similar length stand together.
        seed: decides the order.

    Raises:
        UserError: for what cannot be read or divided.
    """

    def __init__(
        self,
        name: str = "keypoints_folder",
        path: str | None = None,
        manifest: str | None = None,
        group: str | None = None,
        split: str = "auto",
        test: float = 0.2,
        validation: float = 0.15,
        folds: int | str | None = None,
        fold: int | str | None = None,
        zeros: bool = True,
        velocity: bool = False,
        on_bad: str = "fail",
        batch_size: int = 32,
        seed: int = 0,
    ) -> None:
        super().__init__(name, batch_size, seed)
        if path is None:
            raise UserError(f"data={name} needs a folder: data.path=MP_Data")
        check_choice("data.on_bad", on_bad, POLICIES)
        self.path, self.manifest, self.group = path, manifest, group
        self.split, self.shares, self.folds = split, (test, validation), Folds.read(folds, fold)
        self.zeros, self.velocity, self.on_bad = zeros, velocity, on_bad
        self._processor: KeypointProcessor | None = None

    def setup(self, stage: str | None = None) -> None:
        """Reads all samples once and divides them."""
        if self._processor is not None:
            return
        listed = list_clips(self.path, self.manifest, self.group)
        self._digest = fingerprint(listed)
        self.clips: list[Listed] = []
        self.values: list[np.ndarray] = []
        self._bad: list[str] = []
        for clip in listed:
            try:
                size = self.values[0].shape[1] if self.values else None
                self.values.append(read_keypoints(clip.where, size))
                self.clips.append(clip)
            except BadClip as error:
                if self.on_bad == "fail":
                    raise UserError(f"{error} data.on_bad=skip goes on without.") from None
                self._bad.append(str(error))
        if not self.clips:
            raise UserError(
                f"{self.path}: none of {len(listed)} samples can be used; the first: {self._bad[0]}"
            )
        self._parts, self._how, self._warnings = split_clips(self.clips, self.split, *self.shares, self.folds)
        self._fit()

    @property
    def fold_count(self) -> int:
        """How many folds there are; 1 where a share, or the folders, say what the test is."""
        if self.folds is None:
            return 1
        return count_folds(list_clips(str(self.path), self.manifest, self.group), self.split, self.folds)

    def _fit(self) -> None:
        train = self._parts["train"]
        before = self.earlier_classes(KeypointProcessor)
        classes = classes_of([self.clips[one].label for one in train], self.path or "", before)
        self._labels = numbers_of([clip.label for clip in self.clips], classes, str(self.path))
        size = self.values[0].shape[1]
        bare = KeypointProcessor(size, self.zeros, self.velocity, [0.0] * size, list(classes))
        seen = np.concatenate([self.values[one] for one in train])
        known = bare.seen(seen)
        middle = np.where(known, seen, 0).sum(0, dtype=np.float64) / np.maximum(known.sum(0), 1)
        self._processor = KeypointProcessor(size, self.zeros, self.velocity, middle.tolist(), list(classes))
        inputs = torch.cat([self._processor.sequence(self.values[one])[0] for one in train]).double()
        self._statistics = {
            "mean": inputs.mean(0).tolist(),
            "std": inputs.std(0).tolist(),
            "class_counts": count_classes(self._labels[train], len(classes)),
        }
        self._spec = Spec(
            Values(self._processor.names),
            Target("class", len(classes), names=classes),
            length=int(np.mean([len(self.values[one]) for one in train])),
        )

    @property
    def source(self) -> str:
        """Where the samples are."""
        return str(self.path)

    @property
    def digest(self) -> str:
        """SHA-256 of all files, names and labels."""
        self.setup()
        return self._digest

    @property
    def protocol(self) -> str:
        """How the test is scored."""
        self.setup()
        how = {
            "official": "by the stated parts",
            "group": "by source",
            "random": "drawn at random by sample",
        }[self._how]
        how = how if self.folds is None else f"{self.folds.said}, {how}"
        return f"{len(self._parts['test'])} test samples, {how}, scored once"

    def describe(self) -> str:
        """Counts, sizes, what was left out, what looks wrong."""
        self.setup()
        counts = ", ".join(f"{len(rows)} {part}" for part, rows in self._parts.items())
        lengths = [len(values) for values in self.values]
        lines = [
            f"{self.name}: {len(self.clips)} samples ({counts}) of {len(self.processor.classes)} classes, "
            f"{self.processor.size} values a frame, {min(lengths)} to {max(lengths)} frames"
        ]
        if self._bad:
            lines.append(f"left out: {len(self._bad)} samples, the first: {self._bad[0]}")
        return "\n".join([*lines, *(f"warning: {one}" for one in self._warnings)])

    def samples(self, part: str) -> KeypointSamples:
        """The samples of a part."""
        self.setup()
        return KeypointSamples(self.processor, self.values, self._labels, self._parts[part])

    def sampler(self) -> ByLength:
        """Samples of similar length together."""
        self.setup()
        lengths = torch.tensor([len(self.values[one]) for one in self._parts["train"]])
        return ByLength(lengths, self.batch_size, seed=self.seed)


class KeypointSamples:
    """Some samples, gathered as padded sequences.

    Args:
        processor: fills what was not seen.
        values: (T, F) of all samples.
        labels: of all samples.
        rows: which ones these are.
    """

    def __init__(
        self, processor: KeypointProcessor, values: list[np.ndarray], labels: Tensor, rows: Sequence[int]
    ) -> None:
        self.processor, self.values, self.labels, self.rows = processor, values, labels, torch.tensor(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def gather(self, which: Tensor | slice) -> Batch:
        """Returns samples as a batch."""
        rows = self.rows[which]
        return self.processor.batch(
            [self.values[one] for one in rows.tolist()], rows.tolist(), self.labels[rows]
        )
