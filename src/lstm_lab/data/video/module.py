"""The LightningDataModule of clips: a label for each, or the frames that follow."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.base import SequenceDataModule
from lstm_lab.data.files import find
from lstm_lab.data.folding import Folds
from lstm_lab.data.labels import classes_of, count_classes, numbers_of
from lstm_lab.data.loader import InOrder, Shuffled
from lstm_lab.data.passes import NumberedPasses, uniforms
from lstm_lab.data.video.listing import Listed, list_clips
from lstm_lab.data.video.processor import ClipProcessor
from lstm_lab.data.video.reading import FITS, Form
from lstm_lab.data.video.sampling import WAYS, choose_frames
from lstm_lab.data.video.splits import count_folds, split_clips
from lstm_lab.data.video.store import FrameStore, fingerprint, prepare
from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.spec import Frames, Spec, Target

# Frames by which mean and deviation of a colour are measured.
_MEASURED = 2000


class VideoFramesDataModule(SequenceDataModule):
    """Clips in a folder, a zip or a table of files.

    Args:
        name: as in ``conf/data``.
        path: where the clips are, see `lstm_lab.data.video.listing`; below the folders of data for a named set.
        manifest: a csv that names files, labels, groups, splits.
        dir: where files are looked for first.
        group: a rule that finds the source of a clip in its name, see `lstm_lab.data.grouping.group_names`.
        split: ``auto``, ``official``, ``group`` or ``random``.
        test: share of the clips, where it is drawn.
        validation: share of the others, where it is drawn.
        folds: null divides once; a number divides into so many test parts; ``all`` leaves one group out at a time.
        fold: which of them is the test part, from 0; or ``k/n``, the k-th of n.
        size: rows and columns of a frame.
        channels: 1 for grey, 3 for colours.
        fit: ``squash`` or ``crop``.
        fps: frames of a second that are looked at, all if 0.
        frames: frames that are read of a clip; 0 for all.
        sampling: how they are chosen: ``uniform``, ``segment`` or ``dense``.
        ahead: frames to predict after `frames` known ones; 0 asks for a label instead.
        on_bad: ``fail`` or ``skip`` for clips that cannot be used.
        workers: processes that decode, once; 0 decodes in this one.
        batch_size: clips in a global batch.
        seed: decides order and which frames are read in training.

    Raises:
        UserError: for what cannot be read or divided.
    """

    def __init__(
        self,
        name: str = "video_folder",
        path: str | None = None,
        manifest: str | None = None,
        dir: str | None = None,
        group: str | None = None,
        split: str = "auto",
        test: float = 0.2,
        validation: float = 0.15,
        folds: int | str | None = None,
        fold: int | str | None = None,
        size: int = 64,
        channels: int = 3,
        fit: str = "squash",
        fps: float = 0.0,
        frames: int = 16,
        sampling: str = "segment",
        ahead: int = 0,
        on_bad: str = "fail",
        workers: int = 0,
        batch_size: int = 16,
        seed: int = 0,
    ) -> None:
        super().__init__(name, batch_size, seed)
        check_choice("data.fit", fit, FITS)
        check_choice("data.sampling", sampling, WAYS[:-1])
        check_at_least("data.frames", frames, 1 if ahead else 0)
        check_at_least("data.ahead", ahead, 0)
        check_at_least("data.fps", fps, 0)
        if channels not in (1, 3):
            raise UserError(f"data.channels={channels} must be 1 (grey) or 3 (colours).")
        check_at_least("data.size", size, 8)
        if path is None:
            raise UserError(f"data={name} needs a folder: data.path=my_clips")
        self.form = Form(size, size, channels, fit, float(fps))
        self.path, self.manifest, self.dir, self.group = path, manifest, dir, group
        self.split, self.shares, self.folds = split, (test, validation), Folds.read(folds, fold)
        self.count, self.way = frames, sampling if frames else "all"
        self.ahead, self.on_bad, self.workers = ahead, on_bad, workers
        self._store: FrameStore | None = None

    def setup(self, stage: str | None = None) -> None:
        """Lists, decodes (once for ever) and divides the clips."""
        if self._store is not None:
            return
        listed = self._listed()
        self._digest = fingerprint(listed)
        store = prepare(listed, self.form, self._digest, self.on_bad, self.workers)
        self.clips = [listed[number] for number in store.kept]
        self._parts, self._how, self._warnings = split_clips(self.clips, self.split, *self.shares, self.folds)
        self._measure(store)
        self._store = store

    def _listed(self) -> list[Listed]:
        self._source = _found(str(self.path), self.dir)
        return list_clips(
            self._source, _found(self.manifest, self.dir) if self.manifest else None, self.group
        )

    @property
    def fold_count(self) -> int:
        """How many folds there are; 1 where a share, or the folders, say what the test is."""
        return 1 if self.folds is None else count_folds(self._listed(), self.split, self.folds)

    def _measure(self, store: FrameStore) -> None:
        """Classes, colours and the longest clip."""
        train = self._parts["train"]
        starts = torch.cat(
            [torch.arange(int(store.starts[one]), int(store.starts[one + 1])) for one in train]
        )
        seen = store.take(starts[:: max(1, len(starts) // _MEASURED)]).double() / 255  # (N, C, H, W)
        self._statistics: dict[str, Any] = {
            "mean": seen.mean((0, 2, 3)).tolist(),
            "std": seen.std((0, 2, 3)).tolist(),
        }
        inputs = Frames(self.form.channels, self.form.height, self.form.width)
        if self.ahead:
            target = Target("frames", self.form.channels, self.ahead)
            classes: tuple[str, ...] = ()
        else:
            classes = classes_of(
                [self.clips[one].label for one in train], self.path or "", self.earlier_classes(ClipProcessor)
            )
            self._labels = numbers_of([clip.label for clip in self.clips], classes, str(self.path))
            target = Target("class", len(classes), names=classes)
            self._statistics["class_counts"] = count_classes(self._labels[train], len(classes))
        length = self.count or int(store.lengths.float().mean())
        self._spec = Spec(inputs, target, length=length)
        window = 0 if self.ahead else int(store.lengths.max())
        way = "dense" if self.ahead else self.way
        self._processor = ClipProcessor(self.form, self.count, way, window, list(classes))

    # -- what the house asks ----------------------------------------------------------------------------------

    @property
    def store(self) -> FrameStore:
        """All frames."""
        self.setup()
        assert self._store is not None
        return self._store

    @property
    def source(self) -> str:
        """Where the clips are."""
        self.setup()
        return str(self._source)

    @property
    def digest(self) -> str:
        """SHA-256 of all files, names and labels."""
        self.setup()
        return self._digest

    @property
    def protocol(self) -> str:
        """How the test is scored."""
        self.setup()
        how = {"official": "by the stated parts", "group": "by source", "random": "drawn at random by clip"}[
            self._how
        ]
        how = how if self.folds is None else f"{self.folds.said}, {how}"
        asked = f"{self.ahead} frames after {self.count}" if self.ahead else "one label each"
        return f"{len(self._parts['test'])} test clips, {how}, {asked}, scored once"

    def describe(self) -> str:
        """Counts, sizes, what was left out, what looks wrong."""
        store, form = self.store, self.form
        counts = ", ".join(f"{len(rows)} {part}" for part, rows in self._parts.items())
        lines = [
            f"{self.name}: {len(self.clips)} clips ({counts}), {len(store.frames)} frames of {form.height} × "
            f"{form.width}, {int(store.lengths.min())} to {int(store.lengths.max())} a clip"
        ]
        if store.skipped:
            lines.append(f"left out: {len(store.skipped)} clips, the first: {store.skipped[0]}")
        return "\n".join([*lines, *(f"warning: {one}" for one in self._warnings)])

    def samples(self, part: str) -> ClipSamples | FrameSamples:
        """The clips of a part, or the windows of their frames."""
        rows = torch.tensor(self._parts[part]) if self.store else torch.empty(0)
        if self.ahead:
            return FrameSamples(
                self.store, rows, self.count, self.ahead, 1 if part == "train" else self.count
            )
        return ClipSamples(self.store, rows, self._labels, self.count, self.way, self.seed, part == "train")

    def sampler(self) -> Shuffled | NumberedPasses:
        """Shuffled; with the number of the pass, because other frames are read in each."""
        count = len(self.samples("train"))
        shuffled = Shuffled(count, self.batch_size, self.seed)
        return shuffled if self.ahead else NumberedPasses(shuffled, count)

    def evaluation_sampler(self, part: str) -> InOrder:
        """As many clips at once as in training."""
        return InOrder(len(self.samples(part)), self.batch_size)


class ClipSamples:
    """Clips with a label each.

    Args:
        store: all frames.
        rows: (N,) which clips.
        labels: of all clips.
        count: frames that are read.
        way: how they are chosen.
        seed: decides which, in training.
        training: whether they are drawn anew in each pass.
    """

    def __init__(
        self, store: FrameStore, rows: Tensor, labels: Tensor, count: int, way: str, seed: int, training: bool
    ) -> None:
        self.store, self.rows, self.labels = store, rows, labels
        self.count, self.way, self.seed, self.training = count, way, seed, training

    def __len__(self) -> int:
        return len(self.rows)

    def gather(self, which: Tensor | slice) -> Batch:
        """Returns clips as a batch; an index beyond the last is a clip in a later pass."""
        numbers = torch.arange(len(self.rows))[which] if isinstance(which, slice) else which
        clips = self.rows[numbers % len(self.rows)]
        draws = uniforms(numbers, max(self.count, 1), self.seed) if self.training else None
        places, lengths = choose_frames(self.store.lengths[clips], self.count, self.way, draws)
        frames = self.store.take(self.store.starts[clips][:, None] + places)  # (B, T, C, H, W)
        real = torch.arange(places.shape[1]) < lengths[:, None]
        frames = frames * real[..., None, None, None]
        return Batch(frames, lengths, clips, {"class": self.labels[clips]})


class FrameSamples:
    """Stretches of clips, some frames known and some to predict.

    Args:
        store: all frames.
        rows: (K,) which clips.
        known: T.
        ahead: S.
        stride: frames from one stretch to the next.
    """

    def __init__(self, store: FrameStore, rows: Tensor, known: int, ahead: int, stride: int) -> None:
        self.store, self.known, self.ahead = store, known, ahead
        firsts = [
            torch.arange(int(store.starts[one]), int(store.starts[one + 1]) - known - ahead + 1, stride)
            for one in rows.tolist()
        ]
        self.firsts = torch.cat(firsts)
        if not len(self.firsts):
            raise UserError(
                f"no clip has {known + ahead} frames: data.frames={known} and data.ahead={ahead} are too many."
            )

    def __len__(self) -> int:
        return len(self.firsts)

    def gather(self, which: Tensor | slice) -> Batch:
        """Returns stretches as a batch."""
        numbers = torch.arange(len(self.firsts))[which] if isinstance(which, slice) else which
        places = self.firsts[numbers][:, None] + torch.arange(self.known + self.ahead)
        frames = self.store.take(places)  # (B, T + S, C, H, W)
        lengths = torch.full((len(numbers),), self.known)
        return Batch(frames[:, : self.known], lengths, numbers, {"frames": frames[:, self.known :]})


def _found(path: str, directory: str | None) -> str:
    """A path as it is where it exists, else below the folders of data."""
    from pathlib import Path

    return path if Path(path).expanduser().exists() else str(find(path, directory))
