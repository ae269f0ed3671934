"""Pictures of a study: which are drawn, and that they show what the tables say."""

import pytest

from lstm_lab.figures.study import (
    draw_history,
    draw_importance,
    draw_pareto,
    draw_reports,
    draw_slice,
    draw_study,
)


def trial(number, state="COMPLETE", values=(1.0,), steps=None, **params):
    return {"number": number, "state": state, "values": list(values), "params": params, "steps": steps or {}}


@pytest.fixture
def tables():
    return {
        "study": "s",
        "directions": ["minimize"],
        "trials": [
            trial(0, values=[3.0], steps={0: 5.0, 1: 3.0}, lr=0.1, net="lstm"),
            trial(1, "FAIL", values=[], lr=0.9, net="gru"),
            trial(2, values=[1.0], steps={0: 4.0, 1: 1.0}, lr=0.01, net="gru"),
            trial(3, "PRUNED", values=[9.0], steps={0: 9.0}, lr=0.5, net="gru"),
            trial(4, values=[2.0], lr=0.02, net="gru"),
        ],
        "importance": [{"lr": 0.7, "net": 0.3}],
        "best": [2],
        "log": ["lr"],
    }


def test_every_picture_there_is_something_for(tables, tmp_path):
    names = {path.name for path in draw_study(tables, tmp_path / "figures")}
    assert names == {"history.png", "importance.png", "slice.png", "parallel.png", "reports.png"}
    assert {path.name for path in (tmp_path / "figures").iterdir()} == names
    tables["trials"] = tables["trials"][1:2]
    assert draw_study(tables, tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


def test_history_shows_the_best_so_far_and_the_failed(tables):
    lines = {line.get_label(): line for line in draw_history(tables).axes[0].lines}
    assert list(lines["best so far"].get_ydata()) == [3.0, 1.0, 1.0]
    assert list(lines["failed"].get_xdata()) == [1]
    assert list(lines["pruned"].get_ydata()) == [9.0]


def test_history_of_something_to_maximise(tables):
    tables["directions"] = ["maximize"]
    lines = {line.get_label(): line for line in draw_history(tables).axes[0].lines}
    assert list(lines["best so far"].get_ydata()) == [3.0, 3.0, 3.0]


def test_slice_uses_a_logarithm_where_the_space_does_and_words_where_there_are_words(tables):
    lr, net = draw_slice(tables).axes[:2]
    assert (lr.get_xlabel(), lr.get_xscale()) == ("lr", "log")
    assert [text.get_text() for text in lr.get_xticklabels()] == ["0.01", "0.032", "0.1"]
    assert [text.get_text() for text in net.get_xticklabels()] == ["gru", "lstm"]


def test_importance_is_absent_while_nothing_is_known(tables):
    assert [text.get_text() for text in draw_importance(tables).axes[0].get_yticklabels()] == ["net", "lr"]
    assert draw_importance({**tables, "importance": [{}]}) is None


def test_reports_and_trade_off_only_where_there_are_some(tables):
    assert draw_reports({**tables, "trials": [trial(0, lr=1)]}) is None
    assert draw_pareto(tables) is None
    two = {
        **tables,
        "directions": ["minimize", "minimize"],
        "trials": [trial(0, values=[0, 2]), trial(1, values=[1, 1]), trial(2, values=[2, 2])],
        "best": [0, 1],
    }
    front = draw_pareto(two).axes[0].lines[1]
    assert [tuple(point) for point in front.get_xydata()] == [(0, 2), (1, 1)]
