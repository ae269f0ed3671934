"""Where pictures come from: scikit-learn's small digits, IDX files, a folder with one folder a class.

Shapes: N pictures, H rows, W columns, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lstm_lab.data.files import find
from lstm_lab.data.images.idx import read_idx
from lstm_lab.errors import UserError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm")


@dataclass(frozen=True)
class Pictures:
    """Labelled pictures of one size.

    Attributes:
        images: (N, H, W, C) uint8.
        labels: (N,) int64, numbers of classes.
        classes: their names.
        test: how many of the last pictures the publisher set apart as the test part; 0 where nobody did.
        source: where they were read from.
        names: of their files below the folder, empty where there are none.
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    test: int
    source: str
    names: tuple[str, ...] = ()


def small_digits() -> Pictures:
    """The 1,797 handwritten digits of 8 × 8 pixels inside scikit-learn; their 17 shades are spread over 0…255.

    They are the test part of Alpaydin & Kaynak's Optical Recognition of Handwritten Digits (UCI, 1998), by 13
    writers who are not named, so that no split can keep writers apart.
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    images = torch.from_numpy(np.rint(found.images * (255 / 16)).astype(np.uint8))[..., None]
    labels = torch.from_numpy(found.target.astype(np.int64))
    return Pictures(images, labels, tuple("0123456789"), 0, "scikit-learn")


def mnist(directory: str | None = None, folder: str = "images/mnist") -> Pictures:
    """The four files of MNIST, or of a set laid out like it, the 10,000 test pictures last.

    Args:
        directory: the setting ``data.dir``.
        folder: below it; the part names are those of MNIST, gzipped or not.
    """
    parts = []
    for part in ("train", "t10k"):
        pair = []
        for kind in ("images-idx3", "labels-idx1"):
            name = f"{folder}/{part}-{kind}-ubyte"
            try:
                pair.append((path := find(f"{name}.gz", directory), read_idx(path)))
            except UserError as missing:
                if "was not found" not in str(missing):
                    raise
                try:
                    pair.append((path := find(name, directory), read_idx(path)))
                except UserError:
                    raise missing from None
        (path, images), (_, labels) = pair
        if images.ndim != 3 or len(images) != len(labels):
            raise UserError(f"{path}: {len(images)} pictures, but {len(labels)} labels beside them.")
        parts.append((images, labels))
    if parts[0][0].shape[1:] != parts[1][0].shape[1:]:
        raise UserError(f"{path.parent}: training and test pictures differ in size.")
    together, numbers = (torch.from_numpy(np.concatenate(both)) for both in zip(*parts, strict=True))
    classes = tuple(str(number) for number in range(int(numbers.max()) + 1))
    return Pictures(together[..., None], numbers.long(), classes, len(parts[1][0]), str(path.parent))


def image_folder(path: str | Path, channels: int = 1) -> Pictures:
    """Pictures in ``class/anything.png``, or with the parts stated: ``train/class/…`` and ``test/class/…``.

    Args:
        path: the folder.
        channels: 1 for shades of grey, 3 for colours.

    Raises:
        UserError: no folder, no pictures, or one that is damaged or of another size than the first.
    """
    root = Path(path).expanduser()
    if not root.is_dir():
        raise UserError(f"data.path={path}: there is no such folder.")
    stated = [root / "train", root / "test"]
    parts = stated if all(part.is_dir() for part in stated) else [root]
    listed = [
        (file, file.parent.name)
        for part in parts
        for file in sorted(part.glob("*/*"))
        if file.suffix.lower() in SUFFIXES
    ]
    if not listed:
        raise UserError(f"{root}: no pictures found; expected class/name with one of {' '.join(SUFFIXES)}.")
    classes = sorted({label for _, label in listed})
    first = listed[0][0]
    images: list[Tensor] = []
    for file, _ in listed:
        image = read_image(file, channels)
        if images and image.shape != images[0].shape:
            sizes = ["×".join(map(str, one.shape[1::-1])) for one in (image, images[0])]
            raise UserError(f"{file}: {sizes[0]} pixels, but {first.name} has {sizes[1]}.")
        images.append(image)
    labels = torch.tensor([classes.index(label) for _, label in listed])
    test = sum(file.is_relative_to(parts[1]) for file, _ in listed) if len(parts) == 2 else 0
    names = tuple(str(file.relative_to(root)) for file, _ in listed)
    return Pictures(torch.stack(images), labels, tuple(classes), test, str(root), names)


def read_image(path: str | Path, channels: int = 1) -> Tensor:
    """Reads one picture as (H, W, C) uint8.

    Raises:
        UserError: if it is missing or damaged.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file.") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{path}: not a readable picture ({str(error).splitlines()[0]}).") from None
    return torch.from_numpy(pixels.copy()).reshape(*pixels.shape[:2], channels)
