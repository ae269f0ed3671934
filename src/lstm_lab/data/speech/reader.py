"""Sound files to waves: wav, flac, ogg, opus, mp3 and au; any rate and any number of channels in, one of each out."""

from __future__ import annotations

import io
import struct
from collections import Counter

import torch
from torch import Tensor

from lstm_lab.errors import UserError, check_choice
from lstm_lab.features.resample import resample

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".au")
CHANNELS = ("mean", "first", "second")

_SILENT = 2.0**-15  # one step of a 16-bit sample


class BadClip(UserError):
    """A clip that cannot be used; by policy it ends the run, or is skipped and counted."""


class Reader:
    """Decodes files, to one rate and one channel.

    Args:
        sample_rate: of what it returns, in Hz.
        channel: what becomes of stereo: ``mean`` of all channels, or the ``first`` or ``second`` alone.
        shortest: seconds that a clip must have.
        longest: seconds that a clip may have; None for any.
    """

    def __init__(
        self,
        sample_rate: int,
        channel: str = "mean",
        shortest: float = 0.0,
        longest: float | None = None,
    ) -> None:
        check_choice("data.channel", channel, CHANNELS)
        if not 1000 <= sample_rate <= 192_000:
            raise UserError(f"data.sample_rate={sample_rate} must be from 1000 to 192000 Hz.")
        self.sample_rate, self.channel, self.shortest, self.longest = sample_rate, channel, shortest, longest
        self.seen: Counter[str] = Counter()  # kinds of files met so far, for `notes`

    def read(self, content: bytes, name: str, start: float = 0.0, end: float | None = None) -> Tensor:
        """Returns the wave (N,) of a file, or of a stretch of it.

        Args:
            content: of the file.
            name: of the file, for messages.
            start: seconds where the stretch begins.
            end: seconds where it ends; None for the end of the file.

        Raises:
            BadClip: if it is no sound, damaged, empty, silent, not a number, too short or too long.
        """
        sound, rate = self._decode(content, name, start, end)  # (N, channels)
        if len(sound) < 2:
            count = "no sample" if not len(sound) else "one sample"
            raise BadClip(f"{name}: it holds {count}; two are the least that can be heard.")
        if not bool(torch.isfinite(sound).all()):
            place = int((~torch.isfinite(sound)).any(dim=1).nonzero()[0]) / rate
            raise BadClip(f"{name}: a sample at {place:.3f} s is not a number.")
        seconds = len(sound) / rate
        if seconds < self.shortest:
            raise BadClip(f"{name}: {seconds:.3f} s is shorter than data.shortest={self.shortest} s.")
        if self.longest is not None and seconds > self.longest:
            raise BadClip(f"{name}: {seconds:.1f} s is longer than data.longest={self.longest} s.")
        wave = self._one_channel(sound, name)
        if float(wave.abs().max()) < _SILENT:
            raise BadClip(f"{name}: it is silent throughout.")
        if rate != self.sample_rate:
            self.seen[f"{rate} Hz, resampled to {self.sample_rate}"] += 1
        return resample(wave, rate, self.sample_rate)

    def notes(self) -> list[str]:
        """What was met besides plain 16-bit mono at the wanted rate, a line each."""
        return [f"{count} files: {kind}" for kind, count in sorted(self.seen.items())]

    def _decode(self, content: bytes, name: str, start: float, end: float | None) -> tuple[Tensor, int]:
        import soundfile

        if not content:
            raise BadClip(f"{name}: the file is empty.")
        missing = _missing_bytes(content)
        if missing:
            raise BadClip(f"{name}: the file is cut off, {missing} bytes of sound are missing.")
        try:
            with soundfile.SoundFile(io.BytesIO(content)) as file:
                rate, frames = file.samplerate, file.frames
                first, last = round(start * rate), frames if end is None else round(end * rate)
                if not 0 <= first < max(last, 1) or last > frames:
                    raise BadClip(
                        f"{name}: the stretch from {start:g} to {end if end is not None else 'its end'} s does not lie"
                        f" within its {frames / rate:.3f} s."
                    )
                file.seek(first)
                sound = file.read(last - first, dtype="float32", always_2d=True)
                if file.subtype in ("PCM_U8", "PCM_S8"):
                    self.seen["8 bits a sample"] += 1
        except soundfile.LibsndfileError as error:
            raise BadClip(f"{name}: no sound can be read: {_reason(error)}.") from None
        if len(sound) < last - first:
            raise BadClip(f"{name}: the file is cut off after {(first + len(sound)) / rate:.3f} s.")
        return torch.from_numpy(sound), rate

    def _one_channel(self, sound: Tensor, name: str) -> Tensor:
        count = sound.shape[1]
        if count == 1:
            return sound[:, 0]
        self.seen[f"{count} channels, of which the {self.channel} is taken (data.channel)"] += 1
        if self.channel == "mean":
            return sound.mean(dim=1)
        return sound[:, 0 if self.channel == "first" else 1]


def is_sound(name: str) -> bool:
    """Whether the ending of a file's name is one that is read."""
    return name.lower().endswith(SUFFIXES)


def _missing_bytes(content: bytes) -> int:
    """Bytes that a wav announces and does not hold; libsndfile would return the rest without a word."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        return 0
    place = 12
    while place + 8 <= len(content):
        kind, size = content[place : place + 4], struct.unpack("<I", content[place + 4 : place + 8])[0]
        if kind == b"data":
            # Streams that were written without knowing their length announce the largest number.
            return 0 if size >= 0xFFFF_FFF0 - 64 else max(0, place + 8 + size - len(content))
        place += 8 + size + size % 2
    return 0


def _reason(error: Exception) -> str:
    """libsndfile's own words, without what it repeats of the file."""
    return str(error).rpartition(": ")[2].rstrip(".").lower() or "unknown"
