"""The LightningDataModule of pictures that are read as sequences and get one label each."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.base import SequenceDataModule
from lstm_lab.data.folding import SEED, Folds, divide
from lstm_lab.data.grouping import group_names, together
from lstm_lab.data.images.order import ORDERS, permutation, step_names
from lstm_lab.data.images.processor import ImageProcessor
from lstm_lab.data.images.source import Pictures, image_folder, mnist, small_digits
from lstm_lab.data.labels import classes_of
from lstm_lab.data.loader import Shuffled
from lstm_lab.data.passes import NumberedPasses, uniforms
from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.spec import Spec, Target, Values

ORIGINS = ("digits", "mnist", "folder")
_WHAT = "pictures, or groups of them"


class ImageSequencesDataModule(SequenceDataModule):
    """Pictures row by row or pixel by pixel, the last ones or a drawn share as the test.

    Args:
        name: as in ``conf/data``.
        origin: ``digits`` (inside scikit-learn), ``mnist`` (four IDX files) or ``folder`` (class/picture.png).
        path: the folder, for ``folder``; for ``mnist`` the folder below ``dir`` that holds the four files.
        dir: where files are looked for first.
        order: ``rows`` or ``pixels``.
        permuted: whether steps are read in one fixed random order.
        permutation_seed: which order that is.
        channels: of the pictures of a folder, 1 or 3.
        test: share of each class that is drawn for the test where the publisher set no part apart.
        validation: share of each class of the rest.
        folds: null divides once; a number divides into so many test parts; ``all`` leaves one group out at a time.
        fold: which of them is the test part, from 0; or ``k/n``, the k-th of n.
        group: rule over the names of files that says what must not be in two parts, see
            `lstm_lab.data.grouping.group_names`; equal pictures never are.
        shift: pixels by which training pictures are moved at random in each direction, black coming in.
        batch_size: pictures in a global batch.
        seed: decides order and shifts.

    Raises:
        UserError: for files that are missing or damaged, or shares that leave nothing.
    """

    def __init__(
        self,
        name: str = "digits_rows",
        origin: str = "digits",
        path: str | None = None,
        dir: str | None = None,
        order: str = "rows",
        permuted: bool = False,
        permutation_seed: int = 0,
        channels: int = 1,
        test: float = 0.2,
        validation: float = 0.1,
        folds: int | str | None = None,
        fold: int | str | None = None,
        group: str | None = None,
        shift: int = 0,
        batch_size: int = 64,
        seed: int = 0,
    ) -> None:
        super().__init__(name, batch_size, seed)
        check_choice("data.origin", origin, ORIGINS)
        check_choice("data.order", order, ORDERS)
        if channels not in (1, 3):
            raise UserError(f"data.channels={channels} must be 1 (grey) or 3 (colours).")
        check_at_least("data.shift", shift, 0)
        for key, share in (("test", test), ("validation", validation)):
            if not 0 < share < 1:
                raise UserError(f"data.{key}={share} must be a share between 0 and 1.")
        if origin == "folder" and path is None:
            raise UserError(f"data={name} needs a folder: data.path=my_pictures")
        self.origin, self.path, self.dir, self.order, self.channels = origin, path, dir, order, channels
        self.permuted, self.permutation_seed = permuted, permutation_seed
        self.shares, self.shift = (test, validation), shift
        self.folds, self.group = Folds.read(folds, fold), group
        if group is not None and origin != "folder":
            raise UserError(
                f"data.group={group} is a rule over names of files; {name} has none. Allowed: null."
            )
        self._pictures: Pictures | None = None

    def setup(self, stage: str | None = None) -> None:
        """Reads the pictures once, splits them, and measures the training part."""
        if self._pictures is None:
            pictures = _numbered(self._read(), self.earlier_classes(ImageProcessor))
            self._parts = split(pictures, *self.shares, self.folds, self.group)
            self._fit(pictures)
            self._pictures = pictures

    def _read(self) -> Pictures:
        if self.origin == "digits":
            return small_digits()
        if self.origin == "mnist":
            return mnist(self.dir, self.path or "images/mnist")
        assert self.path is not None
        return image_folder(self.path, self.channels)

    def _fit(self, pictures: Pictures) -> None:
        height, width, channels = pictures.images.shape[1:]
        order = permutation(height if self.order == "rows" else height * width, self.permutation_seed)
        self._processor = ImageProcessor(
            height,
            width,
            channels,
            self.order,
            order.tolist() if self.permuted else [],
            list(pictures.classes),
            pictures.images[self._parts["test"][0]].flatten().tolist(),
        )
        seen = pictures.images[self._parts["train"]].flatten(0, 2)  # (N·H·W, C)
        moments = [_moments(shades) for shades in seen.unbind(1)]
        names = step_names(self.order, width, channels)
        repeats = len(names) // channels
        self._statistics = {
            # One mean a channel for the whole picture: columns at its edge are nearly always black, and would be
            # blown up by their own deviation.
            "mean": [mean for mean, _ in moments] * repeats,
            "std": [std for _, std in moments] * repeats,
            "class_counts": torch.bincount(
                pictures.labels[self._parts["train"]], minlength=len(pictures.classes)
            ).tolist(),
        }
        self._spec = Spec(
            inputs=Values(names),
            target=Target("class", len(pictures.classes), names=pictures.classes),
            length=height if self.order == "rows" else height * width,
        )

    # -- what the house asks ----------------------------------------------------------------------------------

    @property
    def pictures(self) -> Pictures:
        """All pictures, all parts."""
        self.setup()
        assert self._pictures is not None
        return self._pictures

    @property
    def source(self) -> str:
        """Where the pictures were read from."""
        return self.pictures.source

    @property
    def digest(self) -> str:
        """SHA-256 of pictures and labels."""
        found = hashlib.sha256(self.pictures.images.numpy().tobytes())
        found.update(self.pictures.labels.numpy().tobytes())
        return found.hexdigest()

    @property
    def fold_count(self) -> int:
        """How many folds there are; 1 where the publisher or a share says what the test is."""
        return 1 if self.folds is None else self.folds.size(groups(self._read(), self.group), _WHAT)

    @property
    def protocol(self) -> str:
        """How the test is scored."""
        drawn = "the publisher's part" if self.pictures.test else "drawn at random within each class"
        if self.folds is not None:
            drawn = self.folds.said
        return f"{len(self._parts['test'])} test pictures, {drawn}, scored once"

    def describe(self) -> str:
        """Counts, sizes, order."""
        images, parts = self.pictures.images, self._parts
        steps, features = self.spec.length, len(self.spec.inputs.names)  # type: ignore[union-attr]
        order = f", in the permuted order of seed {self.permutation_seed}" if self.permuted else ""
        counts = ", ".join(f"{len(rows)} {part}" for part, rows in parts.items())
        return (
            f"{self.name}: {len(images)} pictures of {images.shape[1]} × {images.shape[2]} in "
            f"{len(self.pictures.classes)} classes ({counts}), read as {steps} steps of {features}{order}"
        )

    def samples(self, part: str) -> PictureSamples:
        """The pictures of a part."""
        pictures = self.pictures
        shift = self.shift if part == "train" else 0
        return PictureSamples(pictures, self._parts[part], self.processor, shift, self.seed)

    def sampler(self) -> Shuffled | NumberedPasses:
        """Shuffled; with the number of the pass where shifts are drawn anew in each."""
        count = len(self._parts["train"]) if self.spec else 0
        shuffled = Shuffled(count, self.batch_size, self.seed)
        return NumberedPasses(shuffled, count) if self.shift else shuffled


class PictureSamples:
    """Some pictures, gathered as sequences.

    Args:
        pictures: all of them.
        rows: (N,) which ones.
        processor: lays them out in time.
        shift: pixels by which they are moved at the most.
        seed: decides the shifts.
    """

    def __init__(
        self, pictures: Pictures, rows: Tensor, processor: ImageProcessor, shift: int, seed: int
    ) -> None:
        self.pictures, self.rows, self.processor = pictures, rows, processor
        self.shift, self.seed = shift, seed

    def __len__(self) -> int:
        return len(self.rows)

    def gather(self, which: Tensor | slice) -> Batch:
        """Returns pictures as a batch; an index beyond the last is a picture in a later pass."""
        numbers = torch.arange(len(self.rows))[which] if isinstance(which, slice) else which
        rows = self.rows[numbers % len(self.rows)]
        images = self.pictures.images[rows]  # (B, H, W, C)
        if self.shift:
            images = shifted(images, self.shift, uniforms(numbers, 2, self.seed))
        inputs = self.processor.sequences(images)
        lengths = torch.full((len(rows),), inputs.shape[1])
        return Batch(inputs, lengths, rows, {"class": self.pictures.labels[rows]})


def _moments(shades: Tensor) -> tuple[float, float]:
    """Mean and standard deviation of (N,) uint8 over 255, exact and without a copy in floating point."""
    counts, values = torch.bincount(shades, minlength=256).double(), torch.arange(256).double() / 255
    mean = (counts * values).sum() / counts.sum()
    return float(mean), float(((counts * (values - mean) ** 2).sum() / counts.sum()).sqrt())


def shifted(images: Tensor, reach: int, draws: Tensor) -> Tensor:
    """Moves each picture by whole pixels, black coming in.

    Args:
        images: (B, H, W, C).
        reach: pixels at the most, down, up, left and right.
        draws: (B, 2) in [0, 1), one for each direction.
    """
    batch, height, width, _ = images.shape
    start = (draws * (2 * reach + 1)).long()  # (B, 2)
    padded = F.pad(images, (0, 0, reach, reach, reach, reach))
    rows = start[:, :1] + torch.arange(height)  # (B, H)
    columns = start[:, 1:] + torch.arange(width)  # (B, W)
    return padded[torch.arange(batch)[:, None, None], rows[:, :, None], columns[:, None, :]]


def _numbered(pictures: Pictures, earlier: list[str]) -> Pictures:
    """The same pictures, their classes numbered as in the run that training goes on from."""
    if not earlier:
        return pictures
    classes = classes_of(pictures.classes, pictures.source, earlier)
    numbers = torch.tensor([classes.index(name) for name in pictures.classes])
    return replace(pictures, labels=numbers[pictures.labels], classes=classes)


def groups(pictures: Pictures, rule: str | None) -> np.ndarray:
    """Returns (N,) which pictures belong together: equal ones, and those whose files a rule puts together."""
    named = () if rule is None else group_names(pictures.names, rule)
    return together([image.tobytes() for image in pictures.images.numpy()], named)


def split(
    pictures: Pictures,
    test: float,
    validation: float,
    folds: Folds | None = None,
    rule: str | None = None,
) -> dict[str, Tensor]:
    """Returns the rows of each part, in order.

    The test is the publisher's, a fold, or a share of each class; validation is a share of what is left of each class.
    Without folds a rule draws one part of as many folds as give one of about the share.
    """
    if folds is not None and pictures.test:
        raise UserError(
            f"data.folds: {pictures.source} has a test part of its own; without folds it is scored."
        )
    if folds is None and rule is not None and not pictures.test:
        folds = Folds(max(2, round(1 / test)), 0)
    if folds is not None:
        words = [pictures.classes[number] for number in pictures.labels.tolist()]
        parts = divide(words, groups(pictures, rule), folds, validation, SEED, _WHAT)
        return {part: torch.tensor(rows) for part, rows in parts.items()}
    generator = torch.Generator().manual_seed(SEED)
    count, stated = len(pictures.labels), pictures.test
    drawn: dict[str, list[Tensor]] = {"train": [], "validation": [], "test": []}
    for label, name in enumerate(pictures.classes):
        rows = (pictures.labels[: count - stated] == label).nonzero()[:, 0]
        rows = rows[torch.randperm(len(rows), generator=generator)]
        if not len(rows) and not stated:
            continue  # a class of an earlier run that is not here
        tested = 0 if stated else round(test * len(rows))
        judged = max(1, round(validation * (len(rows) - tested)))
        if len(rows) - tested - judged < 1 or not (stated or tested):
            raise UserError(f"class {name} has {len(rows)} pictures: too few for three parts.")
        for part, piece in zip(drawn, rows.split([len(rows) - tested - judged, judged, tested]), strict=True):
            drawn[part].append(piece)
    if stated:
        drawn["test"].append(torch.arange(count - stated, count))
    return {part: torch.cat(pieces).sort().values for part, pieces in drawn.items()}
