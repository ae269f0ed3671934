"""Checkpoints as plain data: written whole or not at all, read without running any code."""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from lstm_lab.errors import UserError

# What every checkpoint that a net can be rebuilt from holds.
_NET = ("state_dict", "hyper_parameters")


def write_checkpoint(path: Path, content: dict[str, Any], generations: int = 1) -> None:
    """Writes a checkpoint atomically: aside in the same folder, to the disk, then in place.

    A crash, a kill or a full disk leaves the file that was there before.

    Args:
        path: where it goes.
        content: tensors and plain data.
        generations: 2 keeps the file that was there before, see `previous`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*"):  # by a process that was killed while it wrote
        left.unlink(missing_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o644)  # a temporary file is nobody else's to read; a checkpoint may be
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        if generations > 1 and path.exists():
            os.replace(path, previous(path))
        os.replace(aside, path)
        _sync_folder(path.parent)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def previous(path: Path) -> Path:
    """Where the generation before ``path`` lies."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def _why(path: Path) -> str:
    """Says of a run that ended too early how to go on."""
    run, state = path.parent.parent, path.with_name("last.ckpt")
    if path.parent.name != "checkpoints" or not (run / "config.yaml").is_file():
        return ""
    if run.parent.parent.name == "studies":
        return " That trial of a sweep ended before it had one."
    if state.is_file() or previous(state).is_file():
        return f" That run has not finished: python -m lstm_lab.train resume={run.name} goes on with it."
    return " That run has not finished, and saved nothing to go on from."


def read_checkpoint(path: Path, needs: Sequence[str] = _NET) -> dict[str, Any]:
    """Reads a checkpoint on the CPU; only tensors and plain data are accepted.

    Args:
        path: the file.
        needs: keys that must be there.

    Raises:
        UserError: naming the file, if it is missing, cut short, altered, from elsewhere, or holds more than data.
    """
    if not path.is_file():
        raise UserError(f"{path}: there is no such checkpoint.{_why(path)}")
    try:
        # torch does not look at the checksums (CRC-32) of its own files: a flipped bit would be trained on.
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if (wrong := archive.testzip()) is not None:
                    raise ValueError(f"the checksum of {wrong} is wrong")
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{path}: refused, it holds more than tensors and plain data ({reason}).") from None
    except (RuntimeError, EOFError, ValueError, OSError, LookupError, zipfile.BadZipFile) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"{path}: cannot be read as a checkpoint, it is damaged or no checkpoint ({reason})."
        ) from None
    if not isinstance(content, dict) or not set(needs) <= set(content):
        raise UserError(f"{path}: this checkpoint was not written by lstm_lab.")
    return content


def read_newest(path: Path, needs: Sequence[str]) -> dict[str, Any]:
    """Reads a checkpoint, or the generation before it, with a warning, if the newest one is damaged.

    Raises:
        UserError: if neither can be read; about the newest.
    """
    try:
        return read_checkpoint(path, needs)
    except UserError as error:
        if not previous(path).is_file():
            raise
        content = read_checkpoint(previous(path), needs)
        print(f"lstm_lab: {error} The one before it is used.", file=sys.stderr)
        return content


def _sync_folder(folder: Path) -> None:
    # The new name is on the disk only when the folder is. Not every file system lets a folder be synced.
    descriptor = os.open(folder, os.O_RDONLY)
    with suppress(OSError):
        os.fsync(descriptor)
    os.close(descriptor)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning's checkpoints through `write_checkpoint`.

    Its own writer puts the temporary file on another file system and copies it over the good one, so that a
    full disk destroys both.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Writes atomically."""
        write_checkpoint(Path(path), checkpoint)
