"""Pictures, clips, keypoints and moving digits from files to answers, through the real commands."""

import json

import av
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from lstm_lab import evaluate, predict, train
from lstm_lab.predictor import load

QUICK = ["tracking=off", "threads=1", "ensemble=1", "early_stopping.patience=0"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LSTM_LAB_CACHE", str(tmp_path / "cache"))


def encode(path, frames, rate=10):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def bar(rng, label, frames=8):
    """A bright bar that moves left or right over a noisy ground: no single frame tells which."""
    pixels = rng.integers(0, 60, (frames, 24, 32, 3), dtype=np.uint8)
    place = rng.integers(4, 20)
    for t in range(frames):
        at = (place + (2 * t if label == "right" else -2 * t)) % 32
        pixels[t, :, at : at + 4] = 230
    return pixels


@pytest.fixture
def clips(tmp_path):
    """Sixteen clips of each of two labels: half of them videos, a quarter folders of pictures, a quarter arrays."""
    rng, root = np.random.default_rng(0), tmp_path / "clips"
    for label in ("left", "right"):
        (root / label).mkdir(parents=True)
        for number in range(16):
            pixels, name = bar(rng, label), root / label / f"{label}{number}"
            if number % 4 < 2:
                encode(name.with_suffix(".mp4"), pixels)
            elif number % 4 == 2:
                np.save(name.with_suffix(".npy"), pixels)
            else:
                name.mkdir()
                for t, frame in enumerate(pixels):
                    Image.fromarray(frame).save(name / f"{t}.png")
    return root


def test_from_a_folder_of_clips_to_labels_of_new_ones(clips, tmp_path, outputs, capsys):
    words = ["model=gru", "data=video_folder", f"data.path={clips}", "data.size=24", "data.frames=8"]
    words += ["fit.max_steps=40", "optim.lr=0.01", "optim.weight_decay=0.01", "model.hidden_size=16"]
    assert train.main([*words, "frontend.motion=true", "frontend.widths=[8,16]", *QUICK]) == 0
    said = capsys.readouterr().out
    assert "32 clips" in said
    assert "warning: nothing says which clips share a source" in said
    run = outputs / "runs" / "latest"
    tested = pd.read_csv(run / "predictions.csv")
    rng = np.random.default_rng(7)
    new = [encode(tmp_path / f"new{number}.avi", bar(rng, "right")) for number in range(2)]
    assert predict.main([f"path={new[0]}"]) == 0
    assert pd.read_csv(run / "labels.csv")["clip"].tolist() == [str(new[0])]
    long = encode(tmp_path / "long.avi", np.concatenate([bar(rng, "left"), bar(rng, "right")]))
    assert predict.main([f"path={long}"]) == 0
    assert len(pd.read_csv(run / "labels.csv")[["start", "end", "label"]]) == 2
    # A clip of the test is predicted as it was tested.
    again = load(run).predict(clips)
    assert len(again) == 32
    for chance in tested["p(left)"]:
        assert (again["p(left)"] - chance).abs().min() < 1e-5
    assert evaluate.main(["run=latest"]) == 0
    words = ["data=video_folder", f"data.path={clips}", "frontend=resnet18", "frontend.weights=none.pth"]
    assert train.main([*words, *QUICK]) == 2
    assert "none.pth: there is no such file" in capsys.readouterr().err
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    assert predict.main([f"path={tmp_path / 'broken.mp4'}"]) == 2
    assert "broken.mp4: cannot be decoded" in capsys.readouterr().err


def test_moving_digits_to_a_predicted_picture(outputs, tmp_path, capsys):
    words = [
        "data=moving_digits",
        "model.hidden_size=4",
        "fit.max_steps=2",
        "data.test=8",
        "data.validation=8",
    ]
    assert train.main([*words, *QUICK]) == 0
    run = outputs / "runs" / "latest"
    metrics = json.loads((run / "metrics.json").read_text())
    assert {"test/mse_frame_sum", "test/mse_pixel", "test/ssim/step_5"} <= set(metrics["metrics"])
    assert set(metrics["baselines"]) == {"copy last frame", "mean frame"}
    assert {path.name for path in (run / "figures").iterdir()} >= {"strip.png", "steps.png", "prediction.gif"}
    assert predict.main(["steps=7", f"out={tmp_path}"]) == 0
    with Image.open(tmp_path / "prediction.gif") as picture:
        assert picture.n_frames == 5 + 7
    assert np.load(tmp_path / "prediction.npz")["frames"].shape == (1, 7, 32, 32, 1)
    np.save(tmp_path / "mine.npy", np.zeros((3, 40, 40), np.uint8))  # fewer frames, another size
    assert predict.main([f"path={tmp_path / 'mine.npy'}", f"out={tmp_path}"]) == 0
    table = load(run).predict(str(tmp_path / "mine.npy"))
    assert table["frame"].tolist() == [1, 2, 3, 4, 5]
    assert table["picture"].str.startswith("data:image/png;base64,").all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [["model=predrnn", "task.sampling=reverse"], ["model=convlstm", "model.maps.feedback=true"]]
)
def test_nets_that_read_their_own_frames(words, outputs):
    small = [
        "data=moving_digits",
        "model.hidden_size=4",
        "model.num_layers=2",
        "fit.max_steps=2",
        "data.test=8",
    ]
    assert train.main([*small, *words, "data.validation=8", *QUICK]) == 0


@pytest.mark.slow
def test_next_frames_of_clips_of_ones_own(clips, outputs):
    words = ["data=next_frames", f"data.path={clips}", "data.size=16", "data.frames=3", "data.ahead=2"]
    assert train.main([*words, "model.hidden_size=4", "fit.max_steps=2", *QUICK]) == 0


def test_digits_by_row_and_a_picture_file(outputs, tmp_path, capsys):
    words = ["model=lstm", "data=digits_rows", "model.hidden_size=32", "fit.max_steps=150", *QUICK]
    assert train.main(words) == 0
    run = outputs / "runs" / "latest"
    assert json.loads((run / "metrics.json").read_text())["metrics"]["test/accuracy"] > 60
    from sklearn.datasets import load_digits

    picture = np.rint(load_digits().images[0] * (255 / 16)).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "zero.png")
    assert predict.main([f"path={tmp_path / 'zero.png'}"]) == 0
    assert pd.read_csv(run / "labels.csv", dtype=str)["label"].tolist() == ["0"]
    Image.fromarray(picture).resize((9, 9)).save(tmp_path / "large.png")
    assert predict.main([f"path={tmp_path / 'large.png'}"]) == 2
    assert "large.png: a picture of 9×9×1" in capsys.readouterr().err


@pytest.mark.slow
def test_permuted_pixels_keep_their_order(outputs):
    words = ["model=gru", "data=digits_rows", "data.order=pixels", "data.permuted=true", "fit.max_steps=2"]
    assert train.main([*words, "data.permutation_seed=5", "model.hidden_size=4", *QUICK]) == 0
    order = load(outputs / "runs" / "latest").processor.permuted
    assert order == torch.randperm(64, generator=torch.Generator().manual_seed(5)).tolist()


def test_keypoints_of_hands(outputs, tmp_path, capsys):
    rng = np.random.default_rng(0)
    for label, direction in (("hello", 1.0), ("thanks", -1.0)):
        for sample in range(20):
            folder = tmp_path / "MP_Data" / label / str(sample)
            folder.mkdir(parents=True)
            for t in range(10):
                np.save(folder / f"{t}.npy", direction * t / 10 + 0.1 * rng.standard_normal(12))
    words = [
        "model=lstm",
        "data=keypoints_folder",
        f"data.path={tmp_path / 'MP_Data'}",
        "model.hidden_size=8",
    ]
    assert train.main([*words, "fit.max_steps=40", "optim.weight_decay=0.01", *QUICK]) == 0
    run = outputs / "runs" / "latest"
    assert json.loads((run / "metrics.json").read_text())["metrics"]["test/accuracy"] > 80
    assert predict.main([f"path={tmp_path / 'MP_Data' / 'hello' / '3'}"]) == 0
    assert pd.read_csv(run / "labels.csv")["label"].tolist() == ["hello"]
    np.save(tmp_path / "MP_Data" / "hello" / "3" / "4.npy", np.zeros(11))
    assert predict.main([f"path={tmp_path / 'MP_Data' / 'hello' / '3'}"]) == 2
    assert "4.npy: 11 values, the frames before it have 12" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data=video_folder"], "needs a folder: data.path=my_clips"),
        (["data=moving_digits", "model=lstm"], "needs maps"),
        (["data=digits_rows", "model=convlstm"], "predicts frames"),
        (["data=moving_digits", "model.maps.patch=5"], "does not divide"),
    ],
)
def test_mistakes_are_one_line(words, said, outputs, capsys):
    assert train.main([*words, *QUICK]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error
    assert not (outputs / "runs").exists()
