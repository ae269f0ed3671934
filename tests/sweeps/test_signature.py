"""A study goes on only with the space that it began with."""

import optuna
import pytest

from lstm_lab.errors import UserError
from lstm_lab.sweeps.signature import agree
from lstm_lab.sweeps.space import read_space
from lstm_lab.sweeps.storage import open_storage


def test_a_changed_space_is_shown_and_refused(tmp_path):
    study = optuna.create_study(storage=open_storage(str(tmp_path / "s.journal")))
    assert agree(study, read_space({}, ["x=interval(0,1)", "y=1"]).signature(), force=False)
    assert not agree(study, read_space({}, ["x=interval(0,1)", "y=1"]).signature(), force=False)
    other = read_space({}, ["x=tag(log,interval(0.1,1))", "z=a,b"]).signature()
    with pytest.raises(UserError) as caught:
        agree(study, other, force=False)
    text = str(caught.value)
    assert "x was Float(high=1.0), now Float(low=0.1, high=1.0, log=True)" in text
    assert "z was not there" in text
    assert "y was 1, now not there" in text
    assert not agree(study, other, force=True)
    assert not agree(study, other, force=False)
