"""Where named sets of recordings are downloaded from, with what their files must hash to.

Licences, as their publishers state them: Speech Commands CC BY 4.0; RAVDESS CC BY-NC-SA 4.0; ESC-50 CC BY-NC 3.0;
FMA's metadata CC BY 4.0, each of its tracks under the licence that its artist chose.
"""

from __future__ import annotations

_FMA = "https://os.unil.cloud.switch.ch/fma/"

#: Path below the folder of data: (address, checksum). Checksums are the publishers' or those that others have seen.
FILES: dict[str, tuple[str, str]] = {
    "speech/speech_commands_v0.02.tar.gz": (
        "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
        "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",  # as TensorFlow Datasets and torchaudio say
    ),
    "speech/Audio_Speech_Actors_01-24.zip": (  # 208,468,073 bytes
        "https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip?download=1",
        "md5:bc696df654c87fed845eb13823edef8a",  # as Zenodo says
    ),
    "speech/ESC-50-master.zip": (
        # A copy that does not move: GitHub packs the branch anew, and has been seen with two checksums.
        "https://paddleaudio.bj.bcebos.com/datasets/ESC-50-master.zip",
        "md5:7771e4b9d86d0945acce719c7a59305a",  # as paddleaudio and soundata say
    ),
    "speech/fma_small.zip": (  # 7.2 GiB
        _FMA + "fma_small.zip",
        "sha1:ade154f733639d52e35e32f5593efe5be76c6d70",  # as its repository says
    ),
    "speech/fma_metadata.zip": (  # 342 MiB
        _FMA + "fma_metadata.zip",
        "sha1:f0df49ffe5f2a6008d7dc83c6915b31835dfe733",
    ),
}
