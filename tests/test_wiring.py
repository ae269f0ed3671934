"""`_target_` builds what is allowed and refuses everything else, however it is reached."""

import lightning.pytorch as pl
import pytest

from lstm_lab.errors import UserError
from lstm_lab.wiring import build, locate


def test_a_callback_is_built():
    timer = build({"_target_": "lightning.pytorch.callbacks.Timer", "duration": "00:00:01:00"}, pl.Callback)
    assert isinstance(timer, pl.callbacks.Timer)


REFUSED = [
    "os.system",
    "torch.load",
    "builtins.eval",
    "pandas.read_pickle",
    "lightning.pytorch.callbacks.early_stopping.torch.load",
    "lstm_lab.rundir.os.system",
    "lstm_lab.models.sequence.torch.load",
    "lstm_labs.Thing",
    "lightning.pytorch.callbacks.nothing",
]


@pytest.mark.parametrize("name", REFUSED)
def test_code_is_refused_also_behind_an_allowed_prefix(name):
    with pytest.raises(UserError):
        locate(name, pl.Callback)


def test_a_package_of_the_users_own(tmp_path, monkeypatch):
    (tmp_path / "my_pkg.py").write_text("import lightning.pytorch as pl\nclass Mine(pl.Callback): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="allow_targets"):
        locate("my_pkg.Mine", pl.Callback)
    assert locate("my_pkg.Mine", pl.Callback, ["my_pkg"]).__name__ == "Mine"


def test_a_wrong_key_names_the_right_ones():
    with pytest.raises(UserError, match="duration"):
        build({"_target_": "lightning.pytorch.callbacks.Timer", "durations": "00:00:01:00"}, pl.Callback)


def test_the_wrong_kind_is_refused():
    with pytest.raises(UserError, match="is no Callback"):
        locate("lstm_lab.models.LSTM", pl.Callback)
