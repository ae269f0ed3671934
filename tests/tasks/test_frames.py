"""Frame prediction: errors by hand, schedules, and a net that learns."""

import math

import pytest
import torch

from lstm_lab.baselines.frames import copy_last, mean_frame
from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.spec import Frames as FrameInputs
from lstm_lab.spec import Spec, Target, Values
from lstm_lab.tasks import build_task
from lstm_lab.tasks.blueprint import Blueprint
from lstm_lab.tasks.frame_metrics import frame_metrics
from lstm_lab.tasks.frames import Frames

CORE = {"cell": "convlstm", "hidden_size": 4, "num_layers": 1, "forget_bias": 1.0}
SPEC = Spec(FrameInputs(1, 16, 16), Target("frames", 1, 2), length=3)


def test_errors_by_hand():
    truth = torch.zeros(1, 2, 1, 16, 16)
    predicted = truth.clone()
    predicted[0, 0] = 0.5
    found = frame_metrics(predicted, truth)
    assert found["mse_frame_sum"].tolist() == [[64.0, 0.0]]
    assert found["mse_pixel"].tolist() == [[0.25, 0.0]]
    assert found["mae_frame_sum"].tolist() == [[128.0, 0.0]]
    assert found["psnr"][0].tolist() == pytest.approx([-10 * math.log10(0.25), 100.0], rel=1e-5)
    # Of two even pictures x and y, SSIM is (2xy + c1) / (x² + y² + c1), c1 = 0.01².
    assert found["ssim"][0].tolist() == pytest.approx([1e-4 / (0.25 + 1e-4), 1.0], rel=1e-3)


def test_ssim_of_a_checkerboard_and_its_negative_is_negative():
    board = ((torch.arange(16)[:, None] + torch.arange(16)) % 2).float().expand(1, 1, 1, 16, 16)
    assert frame_metrics(1 - board, board)["ssim"].item() == pytest.approx(-0.99, abs=0.01)


def test_baselines_by_hand():
    known = torch.tensor([1.0, 2.0, 6.0]).view(1, 3, 1, 1, 1)
    assert copy_last(known, 2).flatten().tolist() == [6, 6]
    assert mean_frame(known, 2).flatten().tolist() == [3, 3]


def shares(task, step, known=4, ahead=5, batch=4000):
    torch.manual_seed(0)
    return task.trusted(batch, known, ahead, step).float().mean(0).tolist()


def test_schedules():
    assert shares(Frames(), 0) == [1, 1, 1, 1, 0, 0, 0, 0]
    forward = Frames(sampling="forward", sampling_steps=100)
    assert shares(forward, 0) == [1] * 8
    assert shares(forward, 75) == pytest.approx([1] * 4 + [0.25] * 4, abs=0.03)
    assert shares(forward, 500) == [1, 1, 1, 1, 0, 0, 0, 0]
    reverse = Frames(sampling="reverse", sampling_steps=100)
    assert shares(reverse, 0) == pytest.approx([1] + [0.5] * 7, abs=0.03)
    assert shares(reverse, 50) == pytest.approx([1] + [0.75] * 3 + [0.25] * 4, abs=0.03)
    assert shares(reverse, 100) == [1, 1, 1, 1, 0, 0, 0, 0]


def batch(count=4):
    torch.manual_seed(1)
    frames = torch.randint(0, 256, (count, 5, 1, 16, 16), dtype=torch.uint8)
    lengths = torch.full((count,), 3)
    return Batch(frames[:, :3], lengths, torch.arange(count), {"frames": frames[:, 3:]})


def test_the_schedule_goes_on_with_training_and_lies_in_the_checkpoint():
    task = Frames(sampling="forward", sampling_steps=2)
    net = task.build_net(Blueprint(SPEC, {**CORE, "maps": {"feedback": True}}, {}, 0))
    for _ in range(3):
        task.loss(net.train(), batch())
    task.loss(net.eval(), batch())
    assert int(net.state_dict()["taken"]) == 3


@pytest.mark.parametrize("maps", [{"patch": 4, "kernel": 3}, {"patch": 4, "kernel": 3, "feedback": True}])
def test_error_is_the_sum_over_pixels_of_a_frame(maps):
    task = build_task(Frames(loss="mse").to_plain(), "frames")
    net = task.build_net(Blueprint(SPEC, {**CORE, "maps": maps}, {}, 0))
    data = batch()
    found = task.predict([net], torch.ones(1), data)
    assert found["frames"].shape == (4, 2, 1, 16, 16)
    total, count = task.error(found, data)
    metrics = frame_metrics(found["frames"], data.targets["frames"].float() / 255)
    assert count == 8
    torch.testing.assert_close(total / count, metrics["mse_frame_sum"].mean())
    assert task.predict([net], torch.ones(1), data, 9)["frames"].shape[1] == 9


def test_members_are_averaged_by_weight():
    task = Frames()
    nets = [
        task.build_net(Blueprint(SPEC, {**CORE, "maps": {"patch": 4, "kernel": 3}}, {}, n)) for n in range(2)
    ]
    one, two, both = (
        task.predict(chosen, torch.tensor(weights), batch())["frames"]
        for chosen, weights in ((nets[:1], [1.0]), (nets[1:], [1.0]), (nets, [0.25, 0.75]))
    )
    torch.testing.assert_close(both, 0.25 * one + 0.75 * two)


@pytest.mark.parametrize("cell", ["convlstm", "st_lstm"])
def test_a_still_picture_is_learnt(cell):
    torch.manual_seed(0)
    task = Frames()
    maps = {"patch": 4, "kernel": 3, "feedback": cell == "st_lstm"}
    net = task.build_net(Blueprint(SPEC, {**CORE, "cell": cell, "hidden_size": 16, "maps": maps}, {}, 0))
    picture = (torch.rand(4, 1, 1, 16, 16) > 0.5).float() * 255
    frames = picture.to(torch.uint8).expand(4, 5, 1, 16, 16)
    data = Batch(frames[:, :3], torch.full((4,), 3), torch.arange(4), {"frames": frames[:, 3:]})
    optimiser = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(60):
        loss = task.loss(net, data)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    total, count = task.error(task.predict([net], torch.ones(1), data), data)
    assert total / count < 8  # of 64 at the start


def test_what_does_not_fit():
    def message(task=None, spec=SPEC, **core):
        with pytest.raises(UserError) as raised:
            (task or Frames()).build_net(Blueprint(spec, {**CORE, **core}, {}, 0))
        return str(raised.value)

    assert "model=convlstm or predrnn, not cell=lstm" in message(cell="lstm")
    assert "task=frames needs frames" in message(spec=Spec(Values(("x",)), Target("frames", 1)))
    assert "needs a net that reads its own frames" in message(Frames(sampling="forward"))
    assert "take cell=convlstm" in message(cell="st_lstm")
    with pytest.raises(UserError, match="Did you mean 'reverse'"):
        Frames(sampling="revers")
