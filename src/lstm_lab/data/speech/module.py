"""The LightningDataModule of recordings: their features, or their waves, with a label or a transcript each."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_lab.data.base import SequenceDataModule
from lstm_lab.data.folding import Folds
from lstm_lab.data.grouping import group_names
from lstm_lab.data.loader import ByLength, InOrder, Sampler
from lstm_lab.data.speech.clips import Clip, Recordings
from lstm_lab.data.speech.joined import JoinedRecordings
from lstm_lab.data.speech.origins import DIGITS, FEATURES, MADE, ORIGINS, open_recordings
from lstm_lab.data.speech.processor import SpeechProcessor
from lstm_lab.data.speech.reader import Reader
from lstm_lab.data.speech.samples import SpeechSamples
from lstm_lab.data.speech.split import PARTS, leaks, split, what_parts
from lstm_lab.data.speech.store import Ragged, extract, load
from lstm_lab.data.speech.targets import class_targets, transcripts
from lstm_lab.errors import UserError, check_choice
from lstm_lab.features.audio import AudioFeatures
from lstm_lab.features.cmvn import moments
from lstm_lab.spec import Spec, Target, Values

# Clips of the training part that mean and deviation are measured on, where features are not at hand.
_MEASURED = 2000


class SpeechFeaturesDataModule(SequenceDataModule):
    """Recordings, divided by speaker wherever speakers are known.

    Args:
        name: as in ``conf/data``.
        origin: one of `lstm_lab.data.speech.origins.ORIGINS`.
        path: the file or folder, where the origin is the user's own.
        dir: where the files of named data sets are looked for first; for ``table``, the folder of the recordings.
        target: ``class`` or ``transcript``.
        pattern: regular expression over the path of a file with groups ``label`` and ``speaker``.
        split: ``auto``, ``official``, ``speaker`` or ``random``.
        test: share of the clips or speakers, where nobody decided.
        validation: share of the rest.
        folds: null divides once; a number divides into so many test parts, by speaker where speakers are known; ``all``
            leaves one speaker, or one recording, out at a time.
        fold: which of them is the test part, from 0; or ``k/n``, the k-th of n. Without folds: which speaker.
        group: rule over the names of files that says who speaks, or what else must not be in two parts, see
            `lstm_lab.data.grouping.group_names`.
        speaker: the same by name.
        validate_by: with one speaker left out, by another ``speaker`` or by ``clips`` of the others.
        inputs: ``features`` computes them once, ``wave`` lets the net compute them anew, which augmentation of waves
            needs.
        features: settings of `AudioFeatures` but for the sample rate.
        sample_rate: to which all recordings are brought, in Hz.
        channel: what becomes of stereo, see `Reader`.
        shortest: seconds that a clip must have.
        longest: seconds that a clip may have; None for any.
        bad: ``fail`` or ``skip``, what becomes of clips that cannot be used.
        cache: whether what was read and computed is kept on disk.
        join: sentences out of words: ``words``, ``gap``, and how many for ``train``, ``validation``, ``test``.
        tones: settings of `ToneRecordings`.
        made: settings of `MadeSounds`.
        order: of the character n-grams that transcripts are counted by; 0 for none.
        batch_size: clips in a global batch.
        budget: frames (or samples of waves) in a global batch, padding included; then `batch_size` says nothing.
        seed: decides the order of the training clips.

    Raises:
        UserError: for files that are missing or bad, or parts that would be empty.
    """

    refits = True

    def __init__(
        self,
        name: str = "audio_folder",
        origin: str = "folder",
        path: str | None = None,
        dir: str | None = None,
        target: str = "class",
        pattern: str | None = None,
        split: str = "auto",
        test: float = 0.2,
        validation: float = 0.1,
        folds: int | str | None = None,
        fold: int | str | None = None,
        group: str | None = None,
        speaker: str | None = None,
        validate_by: str = "speaker",
        inputs: str = "features",
        features: dict[str, Any] | None = None,
        sample_rate: int = 16000,
        channel: str = "mean",
        shortest: float = 0.0,
        longest: float | None = None,
        bad: str = "fail",
        cache: bool = True,
        join: dict[str, Any] | None = None,
        tones: dict[str, Any] | None = None,
        made: dict[str, Any] | None = None,
        order: int = 4,
        batch_size: int = 64,
        budget: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(name, batch_size, seed)
        check_choice("data.origin", origin, ORIGINS)
        check_choice("data.target", target, ("class", "transcript"))
        check_choice("data.inputs", inputs, ("features", "wave"))
        if origin in FEATURES and inputs == "wave":
            raise UserError(f"data.inputs=wave: {name} holds features, not waves. Allowed: features.")
        self.origin, self.path, self.dir, self.target, self.pattern = origin, path, dir, target, pattern
        self.way = split
        alone = folds is None and not (isinstance(fold, str) and "/" in fold)  # one speaker left out
        self.folds, self.group = (None if alone else Folds.read(folds, fold)), group
        left_out = int(fold) if alone and fold is not None else None
        self._dividing = (test, validation, left_out, speaker, validate_by, self.folds)
        self.inputs, self.bad, self.cache, self.budget, self.order = inputs, bad, cache, budget, order
        self._join, self._tones, self._made = join, tones, made
        self._reading: dict[str, Any] = {
            "sample_rate": sample_rate,
            "channel": channel,
            "shortest": shortest,
            "longest": longest,
        }
        self._front = None
        if origin not in FEATURES:
            self._front = AudioFeatures(**(features or {}), sample_rate=sample_rate)
        self._processor: SpeechProcessor | None = None

    # -- reading ----------------------------------------------------------------------------------------------

    def setup(self, stage: str | None = None) -> None:
        """Reads the clips once, divides them, and measures the training part."""
        if self._processor is not None:
            return
        recordings = self._open()
        front = self._front if self.inputs == "features" else None
        loaded = load(recordings, front, self.bad, self.cache and self.origin not in MADE)
        self._recordings, self._kept = recordings, loaded.kept.tolist()
        kept = self._kept
        self.store, self._notes = loaded.store, loaded.notes
        self.clips = [recordings.clips[number] for number in kept]
        self._columns = recordings.columns
        self._source = recordings.source
        marks = [recordings.fingerprint(number) for number in kept]
        self._digest = hashlib.sha256(
            "\n".join(map(repr, zip(self.clips, marks, strict=True))).encode()
        ).hexdigest()
        self._divide(recordings, marks)
        self._fit()

    def _words(self) -> Recordings:
        where = (self.origin, self.name, self.path, self.dir, self.pattern)
        found = open_recordings(*where, Reader(**self._reading), self._tones, self._made)
        if (
            self.folds is not None and self.origin in MADE
        ):  # parts of what is made here are a matter of number
            found.clips = [replace(clip, part="") for clip in found.clips]
        if self.group is not None:
            named = group_names([clip.name for clip in found.clips], self.group)
            found.clips = [replace(clip, speaker=one) for clip, one in zip(found.clips, named, strict=True)]
        return found

    def _open(self) -> Recordings:
        recordings = self._words()
        if self._join is None:
            return recordings
        self.way, parts = split(recordings.clips, self.way, *self._dividing)
        settings = dict(self._join)
        words, gap = settings.pop("words"), settings.pop("gap")
        rate, names = self._reading["sample_rate"], DIGITS if self.origin == "fsdd" else None
        return JoinedRecordings(recordings, parts, settings, words, gap, rate, names)

    def _divide(self, recordings: Recordings, marks: list[str]) -> None:
        if self._join is None:
            self.way, self._parts = split(self.clips, self.way, *self._dividing)
        else:
            self._parts = {part: [n for n, c in enumerate(self.clips) if c.part == part] for part in PARTS}
        self._leaks = leaks(self.clips, marks, self._parts)

    def _fit(self) -> None:
        """Measures the training part, and nothing else."""
        train = self._parts["train"]
        statistics: dict[str, Any] = {}
        statistics["mean"], statistics["std"] = moments([self._features(train)])
        if self.inputs == "wave":
            assert self._front is not None
            statistics["features"] = self._front.settings
        self._targets: Tensor | Ragged
        before = self.earlier if isinstance(self.earlier, SpeechProcessor) else None
        known = before.names if before is not None and before.target == self.target else []
        if self.target == "class":
            self._targets, self._names, more = class_targets(self.clips, train, self._source, known)
        else:
            frames = self.store.lengths
            frames = frames if self.inputs == "features" else self._front.frames(frames)  # type: ignore[union-attr]
            self._targets, self._names, more = transcripts(
                self.clips, train, frames, self.order, self._source, known
            )
        self._statistics = statistics | more
        smallest = min(self._parts["test"], key=lambda number: int(self.store.lengths[number]))
        self._processor = SpeechProcessor(
            self.target,
            list(self._names),
            self.inputs,
            self._front.settings if self._front else None,
            list(self._columns),
            self._reading if self._front else None,
            self._example(smallest),
        )

    def _features(self, numbers: list[int]) -> tuple[Tensor, Tensor]:
        """Features (1, ΣT, F) of clips, one behind the other, with their number of frames."""
        if self.inputs == "features":
            rows = [self.store.row(number) for number in numbers]
        else:
            assert self._front is not None
            some = numbers[:: max(1, len(numbers) // _MEASURED)]
            rows = extract([self.store.row(number) for number in some], self._front)
        joined = torch.cat(rows)[None]
        return joined, torch.tensor([joined.shape[1]])

    def _example(self, number: int) -> Tensor:
        """A wave, made anew where only its features are kept; or the features that the clip is."""
        row = self.store.row(number).clone()
        if self._front is None:
            return row
        return row[:, 0] if self.inputs == "wave" else self._recordings.load(self._kept[number]).clone()

    def fit_again(self) -> None:
        """Validation clips join the training part."""
        self.setup()
        self._parts["train"] = sorted(self._parts["train"] + self._parts["validation"])
        self._fit()

    @property
    def fold_count(self) -> int:
        """How many folds there are; without any, speakers that can be left out in turn, 1 where too few are known."""
        if self.folds is not None:
            clips = self._words().clips
            return self.folds.size(
                *what_parts(clips, sorted({clip.speaker for clip in clips} - {""}), self.way)
            )
        speakers = {clip.speaker for clip in self._words().clips} - {""}
        return len(speakers) if len(speakers) > 2 else 1

    # -- what the house asks ----------------------------------------------------------------------------------

    @property
    def spec(self) -> Spec:
        """What a net is built from."""
        self.setup()
        names = (
            ("wave",) if self.inputs == "wave" else tuple(self._front.names if self._front else self._columns)
        )
        size = len(self._names)
        kind = "class" if self.target == "class" else "transcript"
        length = int(self.store.lengths[self._parts["train"]].median())
        return Spec(Values(names), Target(kind, size, names=self._names), length=length)  # type: ignore[arg-type]

    @property
    def source(self) -> str:
        """Where the recordings were read from."""
        return self._source

    @property
    def digest(self) -> str:
        """SHA-256 over names, labels and contents."""
        return self._digest

    @property
    def protocol(self) -> str:
        """How the test is scored."""
        speakers = sorted({clip.speaker for clip in self.test_clips()} - {""})
        named = ", ".join(speakers[:4]) + (" …" if len(speakers) > 4 else "")
        way = {
            "official": "the publisher's part",
            "random": "drawn at random within each class",
            "speaker": f"of speakers who are in no other part ({named})",
        }[self.way]
        way = way if self.folds is None else f"{self.folds.said}, {way}"
        if self._leaks:
            way += ", not apart from training (see leak)"
        what = "sentences" if self._join else "clips"
        return f"{len(self._parts['test'])} test {what}, {way}, scored once"

    def describe(self) -> str:
        """Counts, seconds, parts, what was skipped, and what the test shares with training."""
        counts = ", ".join(f"{len(rows)} {part}" for part, rows in self._parts.items())
        speakers = len({clip.speaker for clip in self.clips} - {""})
        named = f" of {speakers} speakers" if speakers else ""
        size = f"{len(self._names)} classes" if self.target == "class" else f"{len(self._names) - 1} symbols"
        padding = f", {100 * self._by_length('train').padding:.0f} % padding"
        head = f"{self.name}: {len(self.clips)} clips{named}, {size} ({counts}), split by {self.way}{padding}"
        return "\n".join(
            [head, *(f"  {note}" for note in self._notes), *(f"  leak: {one}" for one in self._leaks)]
        )

    def samples(self, part: str) -> SpeechSamples:
        """The clips of a part."""
        self.setup()
        return SpeechSamples(self.store, self._targets, torch.tensor(self._parts[part]))

    def sampler(self) -> Sampler:
        """Clips of similar length together."""
        return self._by_length("train")

    def evaluation_sampler(self, part: str) -> Sampler:
        """In order, or by length where the frames of a batch are limited."""
        if self.budget is not None:
            return self._by_length(part)
        self.setup()
        return InOrder(len(self._parts[part]), 256)

    def _by_length(self, part: str) -> ByLength:
        self.setup()
        lengths = self.store.lengths[self._parts[part]]
        size = None if self.budget is not None else self.batch_size
        return ByLength(lengths, size, self.budget, self.seed)

    # -- for baselines and pictures ---------------------------------------------------------------------------

    def pooled(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation of each feature over a clip, (N, 2 F), and the classes (N,)."""
        rows = []
        for number in range(len(self._parts[part])):
            row = self.features_of(part, number)
            rows.append(np.concatenate([row.mean(axis=0), row.std(axis=0)]))
        assert isinstance(self._targets, Tensor)
        return np.stack(rows), self._targets[self._parts[part]].numpy()

    def features_of(self, part: str, row: int) -> np.ndarray:
        """Features (T, F) of one clip of a part, for a picture."""
        clip = self.store.row(self._parts[part][row])
        if self.inputs == "wave":
            assert self._front is not None
            clip = self._front(clip[None, :, 0], torch.tensor([len(clip)]))[0][0]
        return clip.numpy()

    def test_clips(self) -> list[Clip]:
        """What is known of the test clips, in order."""
        return [self.clips[number] for number in self._parts["test"]]
