"""One clip, however it is kept, as frames of one size: a video file, a folder of pictures, an array.

Only NumPy, PyAV and Pillow are imported, and those inside the functions: processes that do nothing but decode start
at once. A clip is opened, decoded on one thread and closed in one call, so nothing is shared between processes;
decoders with threads of their own hang in workers (PyAV-Org/PyAV#1962).

Shapes: T frames, C channels, H rows, W columns.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lstm_lab.errors import UserError

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".gif")
ARRAYS = (".npy", ".npz")
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
FITS = ("squash", "crop")


class BadClip(UserError):
    """A clip that cannot be used, and why; its name comes first."""


@dataclass(frozen=True)
class Form:
    """What every frame is brought to.

    Attributes:
        height: H.
        width: W.
        channels: 1 for grey, 3 for red, green and blue.
        fit: ``squash`` changes the shape of a picture, ``crop`` takes the middle of it.
        fps: frames of a second that are kept, all if 0. Only video files know their time.
    """

    height: int
    width: int
    channels: int = 3
    fit: str = "squash"
    fps: float = 0.0


@dataclass(frozen=True)
class Read:
    """The frames of a clip.

    Attributes:
        frames: (T, C, H, W) uint8.
        times: (T,) seconds from the beginning, or numbers of frames where a clip has no clock.
    """

    frames: np.ndarray
    times: np.ndarray


def read_clip(where: str, form: Form) -> Read:
    """Reads a clip.

    Args:
        where: a video file, a folder of pictures, an array (.npy, .npz) of frames; a file inside a zip as
            ``archive.zip!name``; or a file in text, ``data:video/mp4;base64,…``.
        form: what to bring the frames to.

    Raises:
        BadClip: naming the clip and what is wrong with it.
    """
    name = where if len(where) < 200 else f"{where[:40]}…"
    if where.startswith("data:"):
        return _from_bytes(
            decoded(where, name), "." + where[5:].partition(";")[0].rpartition("/")[2], name, form
        )
    if "!" in where and zipfile.is_zipfile(archive := where.rpartition("!")[0]):
        inside = where.rpartition("!")[2]
        try:
            with zipfile.ZipFile(archive) as opened:
                content = opened.read(inside)
        except (KeyError, OSError, zipfile.BadZipFile) as error:
            raise BadClip(f"{name}: cannot be read from its archive ({error}).") from None
        return _from_bytes(content, Path(inside).suffix.lower(), name, form)
    path = Path(where).expanduser()
    if path.is_dir():
        return _checked(_from_folder(path, form), name)
    if not path.is_file():
        raise BadClip(f"{name}: there is no such file.")
    if path.suffix.lower() in ARRAYS:
        return _checked(_from_array(path, name, form), name)
    return _checked(_from_video(str(path), name, form), name)


def _from_bytes(content: bytes, suffix: str, name: str, form: Form) -> Read:
    read = _from_array if suffix in ARRAYS else _from_video
    return _checked(read(io.BytesIO(content), name, form), name)


def decoded(where: str, name: str) -> bytes:
    """Returns the content of a file in text, ``data:…;base64,…``."""
    try:
        return base64.b64decode(where.partition("base64,")[2], validate=True)
    except binascii.Error:
        raise BadClip(f"{name}: the text after base64, is no base64.") from None


def _checked(read: Read, name: str) -> Read:
    if len(read.frames) < 2:
        raise BadClip(
            f"{name}: has {len(read.frames) or 'no'} frame{'s' * (not len(read.frames))}; two are the least."
        )
    return read


def _from_video(file: Any, name: str, form: Form) -> Read:
    import av
    from av.error import FFmpegError

    frames: list[np.ndarray] = []
    times: list[float] = []
    try:
        with av.open(file) as container:
            if not container.streams.video:
                why = (
                    "has no pictures, only sound"
                    if container.streams.audio
                    else "cannot be decoded (holds nothing)"
                )
                raise BadClip(f"{name}: {why}.")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            rate = float(stream.average_rate or 25)
            due = -np.inf
            for number, frame in enumerate(container.decode(stream)):
                time = float(frame.time) if frame.time is not None else number / rate
                # Half a source frame early is as near as half a frame late.
                if form.fps and time < due - 0.5 / rate:
                    continue
                frames.append(_picture(frame, form))
                times.append(time)
                if form.fps:
                    passed = int((time - times[0] + 0.5 / rate) * form.fps)
                    due = times[0] + (passed + 1) / form.fps
    except FFmpegError as error:
        after = f" after {len(frames)} frames" if frames else ""
        reason = str(getattr(error, "strerror", error) or error)
        raise BadClip(f"{name}: cannot be decoded{after} ({reason}).") from None
    if not frames:
        raise BadClip(f"{name}: has no frames.")
    return Read(np.stack(frames), np.array(times) - times[0])


def _picture(frame: Any, form: Form) -> np.ndarray:
    """A decoded frame as (C, H, W) uint8: colours and size are changed in one go by FFmpeg."""
    kind = "gray" if form.channels == 1 else "rgb24"
    height, width = form.height, form.width
    if form.fit == "crop":
        scale = max(form.height / frame.height, form.width / frame.width)
        height, width = round(frame.height * scale), round(frame.width * scale)
    pixels = frame.reformat(width, height, kind, interpolation="AREA").to_ndarray()
    pixels = _middle(pixels.reshape(height, width, -1), form)
    return pixels.transpose(2, 0, 1)


def _middle(pixels: np.ndarray, form: Form) -> np.ndarray:
    """The middle of (…, h, w, C) as (…, H, W, C)."""
    top, left = (pixels.shape[-3] - form.height) // 2, (pixels.shape[-2] - form.width) // 2
    return pixels[..., top : top + form.height, left : left + form.width, :]


def _from_folder(folder: Path, form: Form) -> Read:
    from PIL import Image, UnidentifiedImageError

    files = sorted((one for one in folder.iterdir() if one.suffix.lower() in PICTURES), key=natural)
    frames: list[np.ndarray] = []
    size, kind = None, None
    for file in files:
        try:
            with Image.open(file) as image:
                found = "grey" if image.mode in ("1", "L", "I", "I;16", "F") else "coloured"
                if size is not None and image.size != size:
                    shown = " and ".join("×".join(map(str, one)) for one in (size, image.size))
                    raise BadClip(f"{file}: the pictures of a clip differ in size ({shown}).")
                if kind is not None and found != kind:
                    raise BadClip(f"{file}: is {found}, the pictures before it are {kind}.")
                size, kind = image.size, found
                frames.append(_resized(image, form))
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
            raise BadClip(f"{file}: not a readable picture ({str(error).splitlines()[0]}).") from None
    if not frames:
        raise BadClip(f"{folder}: has no pictures ({' '.join(PICTURES)}).")
    return Read(np.stack(frames), np.arange(len(frames), dtype=float))


def _resized(image: Any, form: Form) -> np.ndarray:
    """A Pillow picture as (C, H, W) uint8."""
    from PIL import Image, ImageOps

    image = image.convert("L" if form.channels == 1 else "RGB")
    size = (form.width, form.height)
    if form.fit == "crop":
        image = ImageOps.fit(image, size, Image.Resampling.BOX)
    elif image.size != size:
        image = image.resize(size, Image.Resampling.BOX)
    return np.asarray(image).reshape(form.height, form.width, -1).transpose(2, 0, 1)


def _from_array(file: Any, name: str, form: Form) -> Read:
    array = load_array(file, name)
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4:
        raise BadClip(f"{name}: an array of shape {array.shape}; frames are (T, H, W) or (T, H, W, C).")
    if array.shape[-1] not in (1, 3) and array.shape[1] in (1, 3):
        array = array.transpose(0, 2, 3, 1)
    if array.shape[-1] not in (1, 3):
        raise BadClip(f"{name}: frames with {array.shape[-1]} channels; 1 or 3 can be read.")
    if array.dtype != np.uint8:
        if not np.issubdtype(array.dtype, np.number) or not len(array) or not np.isfinite(array).all():
            raise BadClip(f"{name}: frames must be numbers, none of them missing.")
        top = 1.0 if np.issubdtype(array.dtype, np.floating) and array.max() <= 1 else 255.0
        if array.min() < 0 or array.max() > top:
            raise BadClip(
                f"{name}: shades from {array.min():g} to {array.max():g}; 0 to 1 or 0 to 255 can be read."
            )
        array = np.rint(array * (255 / top)).astype(np.uint8)
    frames = np.stack([from_picture(one, form) for one in array])
    return Read(frames, np.arange(len(frames), dtype=float))


def from_picture(picture: np.ndarray, form: Form) -> np.ndarray:
    """A picture of shades (h, w) or (h, w, 1 or 3), uint8, as (C, H, W) uint8."""
    from PIL import Image

    if picture.ndim == 2:
        picture = picture[..., None]
    if picture.shape == (form.height, form.width, form.channels):
        return picture.transpose(2, 0, 1)
    if picture.shape[-1] not in (1, 3):
        raise BadClip(f"a picture with {picture.shape[-1]} channels; 1 or 3 can be read.")
    return _resized(Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture), form)


def load_array(file: Any, name: str) -> np.ndarray:
    """Loads an array from ``.npy``, or the only one, or the one called ``frames``, from ``.npz``.

    Raises:
        BadClip: if there is none, several, or the file is damaged or holds Python objects.
    """
    try:
        found = np.load(file, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found:
            if "frames" not in found and len(found.files) != 1:
                raise BadClip(f"{name}: holds the arrays {', '.join(found.files)}; none is called frames.")
            return found["frames" if "frames" in found else found.files[0]]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        # numpy takes whatever is no array for a pickle, and goes on to advise how to load it unsafely.
        reason = (
            "Python objects, or no array at all" if "pickle" in str(error) else str(error).splitlines()[0]
        )
        raise BadClip(f"{name}: not a readable array ({reason}).") from None


def natural(path: Path) -> list[tuple[int, Any]]:
    """A key by which ``frame2`` comes before ``frame10``."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", path.stem)]
