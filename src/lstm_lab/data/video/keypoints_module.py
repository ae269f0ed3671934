"""Keypoint sequences on disk as training, validation and test: divided by source, filled, one label each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.base import SequenceDataModule
from lstm_lab.data.folding import Folds
from lstm_lab.data.labels import classes_of, count_classes, numbers_of
from lstm_lab.data.loader import ByLength
from lstm_lab.data.video.keypoints import KeypointProcessor, read_keypoints
from lstm_lab.data.video.listing import Listed, list_clips
from lstm_lab.data.video.reading import BadClip
from lstm_lab.data.video.splits import count_folds, split_clips
from lstm_lab.data.video.store import POLICIES, fingerprint
from lstm_lab.errors import UserError, check_choice
from lstm_lab.spec import Spec, Target, Values


class KeypointsDataModule(SequenceDataModule):
    """Samples in ``class/sample``, one label each.

    Args:
        name: as in ``conf/data``.
        path: the folder.
        manifest: a csv that names samples, labels, groups, splits.
        group: a rule that finds the source of a sample in its name, see `lstm_lab.data.grouping.group_names`.
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
