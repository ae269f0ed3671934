"""All frames of a data set, decoded once into one file that batches are gathered from by memory map.

Decoding again in every pass needs workers, and workers hang, leak and copy. Decoded once, a batch is an indexing
call, every process of a sweep shares the same pages, and nothing has to fit into memory. The file lies in the cache
under a hash of the content and of the form that frames were brought to, so another size never reads old frames.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lstm_lab.data.files import cache_dir
from lstm_lab.data.video.listing import Listed
from lstm_lab.data.video.reading import BadClip, Form, Read, read_clip
from lstm_lab.errors import UserError, check_at_least, check_choice

POLICIES = ("fail", "skip")
_FORMAT = 1


@dataclass(frozen=True)
class FrameStore:
    """Decoded clips.

    Attributes:
        frames: (N, C, H, W) uint8, of all clips, one after another, on disk.
        starts: (K + 1,), where each of K clips begins.
        kept: which of the listed clips these are.
        times: (N,) seconds since the beginning of its clip, for every frame.
        skipped: what was wrong with the clips that could not be used, one line each.
    """

    frames: np.ndarray
    starts: Tensor
    kept: list[int]
    times: Tensor
    skipped: list[str]

    @property
    def lengths(self) -> Tensor:
        """(K,), frames of each clip."""
        return self.starts.diff()

    def take(self, rows: Tensor) -> Tensor:
        """Returns frames (…,) as (…, C, H, W)."""
        return torch.from_numpy(self.frames[rows.numpy()])


def fingerprint(clips: Sequence[Listed]) -> str:
    """SHA-256 of names, labels and the content of all files."""
    found = hashlib.sha256()
    for clip in clips:
        found.update(f"{clip.name}\0{clip.label}\0{clip.group}\0{clip.part}\0".encode())
        for content in _contents(clip.where):
            found.update(content)
    return found.hexdigest()


def _contents(where: str) -> Iterator[bytes]:
    archive, _, inside = where.rpartition("!")
    if archive:
        with zipfile.ZipFile(archive) as opened:
            if inside in opened.namelist():
                # The checksum that the archive keeps of a file says as much as the file.
                yield f"{opened.getinfo(inside).CRC} {opened.getinfo(inside).file_size}".encode()
        return
    path = Path(where)
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb") as opened_file:
                yield hashlib.file_digest(opened_file, "sha256").digest()


def prepare(
    clips: Sequence[Listed], form: Form, digest: str, policy: str = "fail", workers: int = 0
) -> FrameStore:
    """Decodes clips, or finds them decoded.

    Args:
        clips: what to decode.
        form: what to bring frames to.
        digest: of the clips, see `fingerprint`.
        policy: ``fail`` stops at the first clip that cannot be used, ``skip`` leaves it out.
        workers: processes that decode; 0 decodes here.

    Raises:
        UserError: naming the clip, with ``fail``; or if no clip is left.
    """
    check_choice("data.on_bad", policy, POLICIES)
    check_at_least("data.workers", workers, 0)
    key = hashlib.sha256(json.dumps([_FORMAT, digest, asdict(form)]).encode()).hexdigest()[:24]
    base = cache_dir() / "frames" / key
    if not base.with_suffix(".json").exists():
        _decode_all(clips, form, base, workers)
    index = json.loads(base.with_suffix(".json").read_text())
    if index["bad"] and policy == "fail":
        more = f" ({len(index['bad'])} such clips)" if len(index["bad"]) > 1 else ""
        raise UserError(f"{index['bad'][0]}{more} data.on_bad=skip goes on without.")
    if not index["kept"]:
        raise UserError(f"none of {len(clips)} clips can be used; the first: {index['bad'][0]}")
    starts = torch.tensor([0, *index["lengths"]]).cumsum(0)
    shape = (int(starts[-1]), form.channels, form.height, form.width)
    frames = np.memmap(base.with_suffix(".u8"), np.uint8, "r", shape=shape)
    return FrameStore(frames, starts, index["kept"], torch.tensor(index["times"]), index["bad"])


def _decode_all(clips: Sequence[Listed], form: Form, base: Path, workers: int) -> None:
    """Writes ``base.u8`` and, last, ``base.json``; several processes may do so at once."""
    try:
        base.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{base.parent}: cannot be written: {error.strerror}. LSTM_LAB_CACHE=… names another."
        ) from None
    kept: list[int] = []
    lengths: list[int] = []
    times: list[float] = []
    bad: list[str] = []
    temporary = base.with_suffix(f".{os.getpid()}")
    with temporary.open("wb") as file:
        for number, read in enumerate(_read_all([clip.where for clip in clips], form, workers)):
            if isinstance(read, str):
                bad.append(read)
                continue
            file.write(read.frames.tobytes())
            kept.append(number)
            lengths.append(len(read.frames))
            times += read.times.round(4).tolist()
    index = {"kept": kept, "lengths": lengths, "times": times, "bad": bad}
    os.replace(temporary, base.with_suffix(".u8"))
    temporary.write_text(json.dumps(index))
    os.replace(temporary, base.with_suffix(".json"))


def _read_all(places: Sequence[str], form: Form, workers: int) -> Iterator[Read | str]:
    """Yields what each clip gives, in order: frames, or what is wrong with it."""
    if not workers:
        for where in places:
            yield _read_or_say(where, form)
        return
    # Not forked: a fork copies the threads' locks of whoever imported torch, and may wait for them for ever.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_read_or_say, places, [form] * len(places), chunksize=4)


def _read_or_say(where: str, form: Form) -> Read | str:
    try:
        return read_clip(where, form)
    except BadClip as error:
        return str(error)
