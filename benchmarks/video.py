"""What decoding and a ConvLSTM step cost, against the code that is copied most.

    python benchmarks/video.py [--quick] [--repeats 5]

Decoding, frames a second prepared for training (64 × 64, uint8, a clip at a time) from clips made on the spot
(320 × 240 and 640 × 480, H.264):

* ``reading``  `data.video.reading.read_clip`: FFmpeg brings each frame to its size while it changes its colours, on
  one thread; one array a clip.
* ``loop``     the per-frame loop of tutorials: decode to an array of full size, to a float tensor, `interpolate`,
  append, `stack`.

ConvLSTM, one forward and backward pass, 2 layers, kernel 3, 10 frames, batch 8:

* ``hoisted``   `nets.convlstm.ConvLSTM`: the input convolution over all steps at once, before the loop.
* ``inside``    the structure of ndrplz/ConvLSTM_pytorch: at each step one convolution of input and state together.
* ``separate``  the structure of automan000/Convolutional_LSTM_PyTorch: at each step eight convolutions, of input and of
  state for each gate.

All give the same numbers from the same weights, or the result is void. Arms alternate in one process on one thread;
times are those of the processor, which a busy machine changes less than the clock's.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lstm_lab.data.video.reading import Form, read_clip
from lstm_lab.nets.convlstm import ConvLSTM

SIZE = 64


def make_clips(folder: Path, count: int) -> list[Path]:
    paths, rng = [], np.random.default_rng(0)
    for number in range(count):
        height, width = ((240, 320), (480, 640))[number % 2]
        path = folder / f"{number}.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
            ground = (
                rng.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
            )
            for t in range(50):
                frame = av.VideoFrame.from_ndarray(np.roll(ground, 2 * t, 1), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        paths.append(path)
    return paths


def reading(path: Path) -> int:
    return len(read_clip(str(path), Form(SIZE, SIZE)).frames)


def loop(path: Path) -> int:
    frames = []
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for frame in container.decode(video=0):
            image = torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1).float() / 255
            image = F.interpolate(image[None], (SIZE, SIZE), mode="bilinear", antialias=True)[0]
            frames.append(image)
    return len(torch.stack(frames))


def inside(net: ConvLSTM, x: Tensor) -> Tensor:
    """The same layers, with one convolution of input and state together at each step."""
    for cell in net.cells:
        weight = torch.cat([cell.weight_ih, cell.weight_hh], dim=1)
        h, c = cell.initial_state(x)
        outputs = []
        for t in range(x.shape[1]):
            both = torch.cat([x[:, t], h], dim=1)
            i, f, g, o = F.conv2d(both, weight, cell.bias, padding=cell.kernel // 2).chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            outputs.append(h)
        x = torch.stack(outputs, dim=1)
    return x


def separate(net: ConvLSTM, x: Tensor) -> Tensor:
    """The same layers, with a convolution for each gate and each of input and state at each step."""
    for cell in net.cells:
        same, biases = cell.kernel // 2, cell.bias.chunk(4)
        to, back = cell.weight_ih.chunk(4), cell.weight_hh.chunk(4)
        h, c = cell.initial_state(x)
        outputs = []
        for t in range(x.shape[1]):
            i, f, g, o = (
                F.conv2d(x[:, t], w, b, padding=same) + F.conv2d(h, r, padding=same)
                for w, r, b in zip(to, back, biases, strict=True)
            )
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            outputs.append(h)
        x = torch.stack(outputs, dim=1)
    return x


def hoisted(net: ConvLSTM, x: Tensor) -> Tensor:
    return net(x)[0]


def trained(run: Callable[[ConvLSTM, Tensor], Tensor], net: ConvLSTM, x: Tensor) -> float:
    net.zero_grad(set_to_none=True)
    started = time.process_time()
    run(net, x).square().mean().backward()
    return time.process_time() - started


def ratio(theirs: list[float], ours: list[float]) -> str:
    ratios = [one / base for one, base in zip(theirs, ours, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def decoding(repeats: int, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clips = make_clips(Path(folder), count)
        taken: dict[str, list[float]] = {"reading": [], "loop": []}
        for _ in range(repeats):
            for name, arm in (("reading", reading), ("loop", loop)):
                started = time.process_time()
                frames = sum(arm(path) for path in clips)
                taken[name].append(time.process_time() - started)
                if frames != 50 * count:
                    raise SystemExit(f"void: {name} gave {frames} frames of {50 * count}")
    for name, seconds in taken.items():
        print(f"{name:<10}{50 * count / statistics.median(seconds):>8.0f} frames a second")
    print(f"loop over reading: {ratio(taken['loop'], taken['reading'])} times as long\n")


def steps(repeats: int) -> None:
    arms = {"hoisted": hoisted, "inside": inside, "separate": separate}
    for channels, maps, size in ((1, 16, 32), (16, 32, 16), (64, 32, 16), (16, 64, 8)):
        torch.manual_seed(0)
        net, x = ConvLSTM(channels, maps, 2, kernel=3), torch.randn(8, 10, channels, size, size)
        with torch.no_grad():
            for name, arm in arms.items():
                if not torch.allclose(hoisted(net, x), arm(net, x), atol=1e-5):
                    raise SystemExit(f"void: {name} gives other numbers")
        taken: dict[str, list[float]] = {name: [] for name in arms}
        for _ in range(repeats + 1):  # the first of each warms up
            for name, arm in arms.items():
                taken[name].append(trained(arm, net, x))
        ours = taken["hoisted"][1:]
        print(
            f"{channels} channels, {maps} maps of {size} × {size}: hoisted {1e3 * statistics.median(ours):.0f} ms"
        )
        for name in ("inside", "separate"):
            print(f"  {name} takes {ratio(taken[name][1:], ours)} times as long")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one repeat: shows that it works")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    repeats = 1 if arguments.quick else arguments.repeats
    decoding(repeats, 2 if arguments.quick else 10)
    steps(repeats)


if __name__ == "__main__":
    main()
