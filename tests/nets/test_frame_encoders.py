"""What frames are seen through: padding changes nothing, weights of torchvision load, features are kept."""

import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.nets.cnn import SmallCNN
from lstm_lab.nets.frontend import build_frontend
from lstm_lab.nets.resnet import ResNet18
from lstm_lab.spec import Frames, Values

FRAMES = Frames(3, 32, 40)
MEASURED = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.2, 0.3]}


def clips(*lengths):
    torch.manual_seed(0)
    return [torch.randint(0, 256, (length, 3, 32, 40), dtype=torch.uint8) for length in lengths]


def spoilt(batch):
    """The same clips with noise where padding is."""
    noise = torch.randint(0, 256, batch.inputs.shape, dtype=torch.uint8)
    mask = batch.mask[..., None, None, None]
    return Batch(torch.where(mask, batch.inputs, noise), batch.lengths, batch.keys)


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "cnn", "widths": [4, 8]},
        {"name": "cnn", "motion": True},
        {"name": "resnet18"},
        {"name": "resnet18", "frozen": True},
    ],
)
def test_padding_and_neighbours_change_nothing(settings):
    torch.manual_seed(0)
    net = build_frontend(FRAMES, settings, MEASURED).eval()
    alone = clips(3, 5, 2)
    batch = Batch.pad(alone)
    with torch.no_grad():
        found, lengths = net(spoilt(batch))
        assert found.shape == (3, 5, net.output_size)
        assert lengths.tolist() == [3, 5, 2]
        for row, clip in zip(found, alone, strict=True):
            expected, _ = net(Batch.pad([clip]))
            torch.testing.assert_close(row[: len(clip)], expected[0], atol=1e-5, rtol=1e-4)
            assert (row[len(clip) :] == 0).all()


def test_normalisation_in_training_does_not_see_padding():
    torch.manual_seed(0)
    net = SmallCNN(FRAMES, MEASURED, widths=[4]).train()
    batch = Batch.pad(clips(2, 6))
    first = net(batch)[0]
    again = SmallCNN(FRAMES, MEASURED, widths=[4]).train()
    again.load_state_dict(
        {**net.state_dict(), **{k: v for k, v in again.state_dict().items() if "running" in k}}
    )
    torch.testing.assert_close(again(spoilt(batch))[0], first)


def test_changes_happen_in_training_only():
    net = SmallCNN(FRAMES, MEASURED, widths=[4], crop=0.5, flip=True, tint=0.3)
    batch = Batch.pad(clips(3))
    net.eval()
    assert torch.equal(net(batch)[0], net(batch)[0])
    assert torch.equal(net.prepared(batch.inputs), net.prepared(batch.inputs))
    net.train()
    assert not torch.equal(net.prepared(batch.inputs), net.prepared(batch.inputs))


def torchvision_names():
    """Names and shapes of torchvision's resnet18().state_dict(), from its published layout."""
    names = {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1000, 512), "fc.bias": (1000,)}

    def norm(at, width):
        names.update({f"{at}.{key}": (width,) for key in ("weight", "bias", "running_mean", "running_var")})
        names[f"{at}.num_batches_tracked"] = ()

    norm("bn1", 64)
    before = 64
    for layer, width in enumerate((64, 128, 256, 512), 1):
        for block in (0, 1):
            at = f"layer{layer}.{block}"
            names[f"{at}.conv1.weight"] = (width, before if block == 0 else width, 3, 3)
            names[f"{at}.conv2.weight"] = (width, width, 3, 3)
            norm(f"{at}.bn1", width)
            norm(f"{at}.bn2", width)
            if block == 0 and layer > 1:
                names[f"{at}.downsample.0.weight"] = (width, before, 1, 1)
                norm(f"{at}.downsample.1", width)
        before = width
    return names


def test_a_weight_file_of_torchvision_loads(tmp_path):
    file = {name: torch.randn(shape).abs() for name, shape in torchvision_names().items()}
    assert (
        sum(value.numel() for name, value in file.items() if "running" not in name and "num" not in name)
        == 11_689_512
    )
    torch.save(file, tmp_path / "resnet18.pth")
    net = ResNet18(FRAMES, {}, weights=str(tmp_path / "resnet18.pth"))
    own = net.state_dict()
    assert set(own) - {"mean", "std"} == set(file) - {"fc.weight", "fc.bias"}
    assert all(torch.equal(own[name].float(), file[name].float()) for name in own if name not in ("mean", "std", )
               and "num_batches" not in name)  # fmt: skip


def test_weight_files_that_do_not_fit(tmp_path):
    def message(content=None):
        path = tmp_path / "weights.pth"
        if content is not None:
            torch.save(content, path)
        with pytest.raises(UserError) as raised:
            ResNet18(FRAMES, {}, weights=str(path))
        assert "\n" not in str(raised.value)
        return str(raised.value)

    assert "there is no such file" in message()
    (tmp_path / "weights.pth").write_text("nothing")
    assert "not a file of weights" in message()
    assert "lacks bn1.bias" in message({"conv1.weight": torch.zeros(1)})
    wrong = {name: torch.zeros(shape) for name, shape in torchvision_names().items()}
    assert "size mismatch for conv1.weight" in message({**wrong, "conv1.weight": torch.zeros(64, 1, 7, 7)})


def test_features_are_computed_once_and_are_the_same_bit_for_bit():
    torch.manual_seed(0)
    net = ResNet18(FRAMES, {}, frozen=True)
    first, second = (ResNet18(FRAMES, {}, frozen=True) for _ in range(2))
    for one in (first, second):
        one.load_state_dict(net.state_dict())
    alone = clips(3, 5, 2)
    expected = net(Batch.pad(alone))[0]
    again = net(Batch.pad(alone))[0]
    assert len(net._features) == 3
    assert torch.equal(again, expected)
    net.encode = lambda pictures: pytest.fail("computed again")
    assert torch.equal(net(Batch.pad(alone[::-1]))[0].flip(0), expected)  # another batch, from memory
    assert torch.equal(first(Batch.pad(alone[1:2]))[0][0], expected[1])  # another batch, without
    assert all(not weight.requires_grad for weight in net.parameters())
    assert not net.train().bn1.training
    assert "features" not in " ".join(net.state_dict())


def test_settings_that_do_not_fit():
    with pytest.raises(UserError, match="does not read values"):
        build_frontend(Values(("x",)), {"name": "cnn"})
    with pytest.raises(UserError, match="6 halvings do not fit frames of 32 × 40"):
        SmallCNN(FRAMES, {}, widths=[4] * 6)
    with pytest.raises(UserError, match="crop=0 must be more than 0"):
        SmallCNN(FRAMES, {}, crop=0)
    with pytest.raises(UserError, match="reads three colours"):
        ResNet18(Frames(1, 32, 32), {})
    with pytest.raises(UserError, match="keeps the features"):
        ResNet18(FRAMES, {}, frozen=True, flip=True)
