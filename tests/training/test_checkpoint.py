import os
import pickle
import random
import resource
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from lstm_lab.errors import UserError
from lstm_lab.training.checkpoint import previous, read_checkpoint, read_newest, write_checkpoint
from lstm_lab.training.saver import Saver
from lstm_lab.training.signals import Stop
from lstm_lab.training.state import plain, random_state, set_random_state

GOOD = {"state_dict": {"w": torch.ones(2)}, "hyper_parameters": {"a": [1, 2.5, "x", None, True]}}


class Bomb:
    def __reduce__(self):
        return (print, ("boom",))


def test_plain_data_comes_back(tmp_path):
    write_checkpoint(tmp_path / "a" / "best.ckpt", GOOD)
    back = read_checkpoint(tmp_path / "a" / "best.ckpt")
    assert back["hyper_parameters"] == GOOD["hyper_parameters"]
    assert torch.equal(back["state_dict"]["w"], torch.ones(2))
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["best.ckpt"]


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "best.ckpt"
    write_checkpoint(path, GOOD)
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        write_checkpoint(path, {**GOOD, "bad": lambda: None})
    assert read_checkpoint(path)["hyper_parameters"] == GOOD["hyper_parameters"]
    assert len(list(tmp_path.iterdir())) == 1


def damage(path, kind):
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:-200])
    elif kind == "foreign":
        torch.save({"weights": 1}, path)
    elif kind == "text":
        path.write_text("this is no checkpoint")
    elif kind == "malicious":
        torch.save({**GOOD, "bomb": Bomb()}, path)
    elif kind == "missing":
        path.unlink()


@pytest.mark.parametrize("kind", ["empty", "truncated", "foreign", "text", "malicious", "missing"])
def test_anything_else_is_one_line_that_names_the_file(kind, tmp_path, capsys):
    path = tmp_path / "best.ckpt"
    write_checkpoint(path, GOOD)
    damage(path, kind)
    with pytest.raises(UserError) as told:
        read_checkpoint(path)
    assert str(path) in str(told.value)
    assert len(str(told.value).splitlines()) == 1
    assert "boom" not in capsys.readouterr().out


def test_a_run_that_ended_too_early_says_how_to_go_on(tmp_path):
    best = tmp_path / "run-1" / "checkpoints" / "best.ckpt"
    best.parent.mkdir(parents=True)
    (tmp_path / "run-1" / "config.yaml").write_text("")
    with pytest.raises(UserError, match="saved nothing to go on from"):
        read_checkpoint(best)
    best.with_name("last.ckpt").write_bytes(b"")
    with pytest.raises(UserError, match="resume=run-1 goes on with it"):
        read_checkpoint(best)


def test_no_flipped_bit_is_taken_for_a_weight(tmp_path):
    path = tmp_path / "best.ckpt"
    write_checkpoint(path, GOOD)
    raw = path.read_bytes()
    for place in range(0, len(raw), 7):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 16]) + raw[place + 1 :])
        try:
            back = read_checkpoint(path)
        except UserError:
            continue
        assert torch.equal(back["state_dict"]["w"], torch.ones(2)), place  # padding between the records
        assert back["hyper_parameters"] == GOOD["hyper_parameters"], place


def test_one_generation_back(tmp_path, capsys):
    path = tmp_path / "last.ckpt"
    for step in range(3):
        write_checkpoint(path, {"step": step}, generations=2)
    assert read_newest(path, ["step"]) == {"step": 2}
    assert read_checkpoint(previous(path), ["step"]) == {"step": 1}
    assert len(list(tmp_path.iterdir())) == 2
    path.write_bytes(b"")
    assert read_newest(path, ["step"]) == {"step": 1}
    assert "The one before it is used." in capsys.readouterr().err
    previous(path).unlink()
    with pytest.raises(UserError, match="damaged"):
        read_newest(path, ["step"])


def test_killed_while_it_writes(tmp_path):
    path = tmp_path / "last.ckpt"
    content = {"weights": torch.ones(200_000)}
    write_checkpoint(path, {**content, "step": -1}, generations=2)
    for number in range(20):
        child = os.fork()
        if child == 0:
            for step in range(1_000_000):
                write_checkpoint(path, {**content, "step": step}, generations=2)
        time.sleep(0.01 + 0.003 * number)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        back = read_newest(path, ["step", "weights"])
        assert torch.equal(back["weights"], content["weights"])
    write_checkpoint(path, {**content, "step": 0}, generations=2)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["last.ckpt", "last.previous.ckpt"]


def test_a_full_disk_keeps_what_was_there(tmp_path):
    path = tmp_path / "last.ckpt"
    write_checkpoint(path, {"step": 1}, generations=2)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        saver = Saver(path, "fit", Stop())
        with open(tmp_path / "told", "w") as told:
            os.dup2(told.fileno(), 2)
            sys.stderr = told
            for _ in range(2):
                saver._write({"weights": torch.ones(200_000), "step": 2})
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert read_newest(path, ["step"]) == {"step": 1}
    told = (tmp_path / "told").read_text().splitlines()
    assert len(told) == 1  # once, however often it fails
    assert f"{path} was not written:" in told[0]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["last.ckpt", "told"]


def test_a_folder_that_takes_no_files_does_not_end_training(capsys):
    Saver(Path("/proc/self/nowhere/last.ckpt"), "fit", Stop())._write({"step": 1})
    assert "was not written" in capsys.readouterr().err


def test_random_states_go_through_a_checkpoint(tmp_path):
    write_checkpoint(tmp_path / "a.ckpt", {"random": random_state()})
    first = torch.rand(3), np.random.rand(3), random.random()
    set_random_state(read_checkpoint(tmp_path / "a.ckpt", ["random"])["random"])
    again = torch.rand(3), np.random.rand(3), random.random()
    assert torch.equal(first[0], again[0])
    assert (first[1] == again[1]).all()
    assert first[2] == again[2]


def test_plain_takes_data_and_nothing_else():
    assert plain({"a": np.float64(1.5), 2: (np.int32(3), None)}) == {"a": 1.5, 2: (3, None)}
    tensor = torch.ones(2)
    copy = plain([tensor])[0]
    tensor.zero_()
    assert copy.tolist() == [1, 1]
    with pytest.raises(TypeError, match="the state of X holds a PosixPath"):
        plain({"path": Path("x")}, "the state of X")
