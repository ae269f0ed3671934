"""Frames from frames: any number in and out, carried states, padding, and what is read in training."""

import pytest
import torch

from lstm_lab.errors import UserError
from lstm_lab.nets.frame_forecaster import EncoderForecaster, NextFrame, Patches
from lstm_lab.spec import Frames

FRAMES = Frames(1, 8, 12)
NETS = {
    "encoder": lambda: EncoderForecaster(FRAMES, [4, 3], num_layers=2, kernel=3, patch=2),
    "convlstm": lambda: NextFrame(FRAMES, "convlstm", 4, num_layers=2, kernel=3, patch=2),
    "st_lstm": lambda: NextFrame(FRAMES, "st_lstm", 3, num_layers=2, kernel=3, patch=4),
}


@pytest.fixture(params=list(NETS))
def net(request):
    torch.manual_seed(0)
    return NETS[request.param]().double()


def frames(batch=3, steps=5):
    return torch.rand(batch, steps, 1, 8, 12, dtype=torch.float64)


def test_patches_keep_every_pixel_where_it_was():
    patches = Patches(FRAMES, 2)
    known = frames()
    maps = patches(known)
    assert maps.shape == (3, 5, 4, 4, 6)
    assert torch.equal(maps[0, 0, :, 0, 0], known[0, 0, 0, :2, :2].flatten())
    assert torch.equal(patches.back(maps), known)
    with pytest.raises(UserError, match="patch=3 does not divide frames of 8 × 12"):
        Patches(FRAMES, 3)


def test_any_number_of_frames_comes_out(net):
    known = frames()
    long = net(known, steps=7)
    assert long.shape == (3, 7, 1, 8, 12)
    torch.testing.assert_close(net(known, steps=2), long[:, :2])


def test_bytes_and_shares_are_the_same(net):
    known = torch.randint(0, 256, (2, 4, 1, 8, 12), dtype=torch.uint8)
    net = net.float()
    torch.testing.assert_close(net(known, steps=2), net(known.float() / 255, steps=2))


def test_padding_and_neighbours_change_nothing(net):
    known, lengths = frames(), torch.tensor([5, 2, 4])
    real = torch.arange(5) < lengths[:, None]
    together = net(torch.where(real[..., None, None, None], known, 9.0), lengths, 3)
    for row, length in enumerate(lengths):
        alone = net(known[row : row + 1, :length], None, 3)
        torch.testing.assert_close(together[row : row + 1], alone)


def test_a_state_goes_on_from_other_frames():
    torch.manual_seed(0)
    net, known = NETS["encoder"]().double(), frames()
    state = net.read(known[:, :2])
    torch.testing.assert_close(net(known[:, 2:], None, 3, state), net(known, None, 3))
    torch.testing.assert_close(net.unroll(net.read(known), 3), net(known, None, 3))
    net = NETS["convlstm"]().double()
    _, state = net.core(net.patches(known[:, :2]))
    torch.testing.assert_close(net(known[:, 2:], None, 3, state), net(known, None, 3))


@pytest.mark.parametrize("word", ["convlstm", "st_lstm"])
def test_trusting_known_frames_alone_is_what_prediction_does(word):
    torch.manual_seed(0)
    net, whole = NETS[word]().double(), frames(steps=7)
    trusted = torch.zeros(3, 6, dtype=torch.bool)
    trusted[:, :4] = True
    along = net.along(whole, trusted)
    torch.testing.assert_close(along[:, 3:], net(whole[:, :4], None, 3))
    other = torch.cat([whole[:, :4], frames(steps=3)], dim=1)
    torch.testing.assert_close(net.along(other, trusted), along)  # what is not trusted is not looked at


@pytest.mark.parametrize("word", ["convlstm", "st_lstm"])
def test_trust_is_a_matter_of_each_sequence(word):
    torch.manual_seed(0)
    net, whole = NETS[word]().double(), frames(steps=5)
    trusted = torch.tensor([[1, 1, 1, 1], [1, 0, 1, 0], [1, 0, 0, 0]], dtype=torch.bool)
    together = net.along(whole, trusted)
    for row in range(3):
        torch.testing.assert_close(
            net.along(whole[row : row + 1], trusted[row : row + 1]), together[row : row + 1]
        )
    maps, state, expected, own = net.patches(whole[1:2]), None, [], None
    for t, trust in enumerate(trusted[1].tolist()):
        output, state = net.core.step(maps[:, t] if trust else own, state)
        expected.append(net.head(output))
        own = expected[-1].sigmoid()
    torch.testing.assert_close(net.patches.back(torch.stack(expected, 1)), together[1:2])
