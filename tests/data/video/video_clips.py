"""Clips made on the spot: real files of real codecs, a few kilobytes each."""

import numpy as np


def encode(path, frames, rate=10, codec="mpeg4", sound=False):
    """Writes frames (T, H, W, 3) uint8 as a video file."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 4_000_000
        audio = container.add_stream("aac", rate=8000) if sound else None
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
        if audio is not None:
            wave = np.zeros((1, 8000), np.float32)
            block = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            block.sample_rate = 8000
            container.mux(audio.encode(block))
            container.mux(audio.encode())
    return path


def brightening(count, height=48, width=64, first=0, step=10):
    """Grey frames, each brighter than the last, so that a frame says its number."""
    shades = (first + step * np.arange(count)).astype(np.uint8)
    return np.broadcast_to(shades[:, None, None, None], (count, height, width, 3)).copy()
