"""Going on from clips: the frames that follow."""

from __future__ import annotations

from pathlib import Path

from lstm_lab.predicting import folder, load, whole_number

WORDS = {
    "path": "a clip whose last frame the prediction goes on from: a video file, a folder of pictures, an array; or a "
    "folder of clips. Without it, a test sequence where the data makes its own, else noise",
    "steps": "frames to predict, any number; as many as in training if not given",
    "out": "folder for prediction.gif, prediction.png and prediction.npz; the run directory if not given",
}
# Sequences of a folder that are drawn; all are written.
_DRAWN = 6


def run(directory: Path, given: dict[str, str]) -> None:
    """Predicts, and writes the frames as a moving picture, as a strip and as an array."""
    steps = whole_number(given, "steps")
    import numpy as np

    from lstm_lab.data.video.processor import as_bytes
    from lstm_lab.figures.video import draw_gif, draw_strip
    from lstm_lab.tasks.frames import as_share

    loaded = load(directory, given)
    table = loaded.processor.table(Path(given["path"]).expanduser() if "path" in given else None)
    batch = loaded.processor.to_batch(table)
    predicted = loaded.predict_batch(batch, steps)["frames"]
    out = folder(given, directory)
    np.savez_compressed(out / "prediction.npz", frames=as_bytes(predicted).permute(0, 1, 3, 4, 2).numpy())
    known = [
        as_share(frames[:length]).numpy()
        for frames, length in zip(batch.inputs, batch.lengths.tolist(), strict=True)
    ]
    # Clips of different lengths stand side by side from the end: their last known frames are what is gone on from.
    least = min(len(frames) for frames in known)
    shown = np.stack([frames[-least:] for frames in known[:_DRAWN]])
    draw_gif(out / "prediction.gif", shown, None, predicted[:_DRAWN].numpy())
    title = f"{predicted.shape[1]} frames after {least}"
    draw_strip(out / "prediction.png", shown[:3], None, predicted[:3].numpy(), title)
    for number, clip in enumerate(table["clip"].head(20)):
        print(f"{clip if len(clip) < 200 else 'the example'}: {int(batch.lengths[number])} known frames, "
              f"{predicted.shape[1]} predicted")  # fmt: skip
    print(f"written: {out / 'prediction.gif'}, prediction.png and prediction.npz")
