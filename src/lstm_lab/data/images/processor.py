"""From pictures, as files or as tables of pixels, to sequences, and from probabilities to labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.images.idx import read_idx
from lstm_lab.data.images.order import to_sequence
from lstm_lab.data.images.source import SUFFIXES, read_image
from lstm_lab.data.labels import label_frame
from lstm_lab.errors import UserError


@dataclass
class ImageProcessor:
    """Reads pictures in the order that the net was trained on.

    Attributes:
        height: rows, H.
        width: columns, W.
        channels: C, 1 or 3.
        order: ``rows`` or ``pixels``.
        permuted: the order in which steps are read, empty where they are read as they stand.
        classes: names of the classes.
        picture: H·W·C shades of one test picture, the example.
    """

    height: int
    width: int
    channels: int
    order: str
    permuted: list[int]
    classes: list[str]
    picture: list[int] = field(repr=False)

    def to_plain(self) -> dict[str, Any]:
        """Plain data for the checkpoint."""
        return {"kind": "images", **asdict(self)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> ImageProcessor:
        """Rebuilds a processor from what `to_plain` gave."""
        return cls(**{name: value for name, value in plain.items() if name != "kind"})

    @property
    def columns(self) -> list[str]:
        """Names of the columns of a table of pixels, row after row, channels last."""
        return [f"pixel {number}" for number in range(self.height * self.width * self.channels)]

    def sequences(self, images: Tensor) -> Tensor:
        """Returns (N, H, W, C) uint8 as (N, T, F) float32 from 0 to 1."""
        permuted = torch.tensor(self.permuted) if self.permuted else None
        return to_sequence(images, self.order, permuted).float().div_(255)

    def table(self, raw: Any) -> pd.DataFrame:
        """Lays pictures out as a table, one row each, indexed by name.

        Args:
            raw: a table already; the path of a picture, of a folder of pictures or of an IDX file; a list of
                paths; or an array (N, H, W[, C]) of shades from 0 to 255. None gives the example.

        Raises:
            UserError: naming the picture that is missing, damaged or of another size.
        """
        if isinstance(raw, pd.DataFrame):
            return raw
        if raw is None:
            return self.example()
        if isinstance(raw, (np.ndarray, Tensor)):
            array = np.asarray(raw)
            array = array[None] if array.ndim == 2 else array
            return self._rows(array.reshape(len(array), *array.shape[1:3], -1), list(range(len(array))))
        paths = [raw] if isinstance(raw, (str, Path)) else list(raw)
        tables = [self._read(Path(path).expanduser()) for path in paths]
        return pd.concat(tables) if tables else pd.DataFrame(columns=self.columns)

    def _read(self, path: Path) -> pd.DataFrame:
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
            if not files:
                raise UserError(f"{path}: no pictures in this folder ({' '.join(SUFFIXES)}).")
            images = [read_image(file, self.channels).numpy() for file in files]
            for file, image in zip(files, images, strict=True):
                self._check(str(file), image.shape)
            return self._rows(np.stack(images), [str(file.relative_to(path)) for file in files])
        if path.suffix.lower() in SUFFIXES:
            return self._rows(read_image(path, self.channels).numpy()[None], [path.name], str(path))
        array = read_idx(path)
        return self._rows(array.reshape(*array.shape[:3], -1), list(range(len(array))), str(path))

    def _rows(self, images: np.ndarray, names: Sequence[Any], where: str = "the array") -> pd.DataFrame:
        self._check(where, images.shape[1:])
        return pd.DataFrame(images.reshape(len(images), -1), index=list(names), columns=self.columns)

    def _check(self, where: str, shape: tuple[int, ...]) -> None:
        wanted = (self.height, self.width, self.channels)
        if tuple(shape) != wanted:
            got, right = ("×".join(map(str, one)) for one in (shape, wanted))
            raise UserError(
                f"{where}: a picture of {got} (rows, columns, channels); the model reads {right}."
            )

    def to_batch(self, table: pd.DataFrame) -> Batch:
        """Returns a table of pixels as a batch of sequences, all of one length.

        Raises:
            UserError: for missing columns, or a row with a shade that is no number from 0 to 255.
        """
        missing = [name for name in self.columns if name not in table.columns]
        if missing:
            raise UserError(
                f"the table lacks the column {missing[0]}: one row a picture, {len(self.columns)} columns "
                f"{self.columns[0]} … {self.columns[-1]}."
            )
        pixels = table[self.columns].apply(pd.to_numeric, errors="coerce").to_numpy(float)
        wrong = ~((pixels >= 0) & (pixels <= 255)).all(1)
        if wrong.any():
            raise UserError(f"row {table.index[wrong.argmax()]}: a shade is no number from 0 to 255.")
        shape = (len(table), self.height, self.width, self.channels)
        inputs = self.sequences(torch.from_numpy(pixels.round().astype(np.uint8).reshape(shape)))
        return Batch(inputs, torch.full((len(table),), inputs.shape[1]), torch.arange(len(table)))

    def finish(self, predictions: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the predictions as they are."""
        return predictions

    def to_frame(self, predictions: dict[str, Tensor], table: pd.DataFrame) -> pd.DataFrame:
        """Returns label, its probability, and the probability of every class, one row a picture."""
        found = label_frame(predictions["probabilities"], self.classes)
        found.insert(0, "picture", list(table.index))
        return found

    def example(self) -> pd.DataFrame:
        """Returns one picture as a table of pixels."""
        return pd.DataFrame([self.picture], columns=self.columns)
