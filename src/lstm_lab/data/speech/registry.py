"""Where named sets of recordings are downloaded from, with what their files must hash to."""

from __future__ import annotations

#: Path below the folder of data: (address, sha256).
FILES: dict[str, tuple[str, str]] = {
    "speech/speech_commands_v0.02.tar.gz": (
        "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
        "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",  # as TensorFlow Datasets and torchaudio say
    ),
}
