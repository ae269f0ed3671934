"""Whole sweeps, as commands over a toy application."""

import json

import pytest
import yaml

FREE = ["x=interval(-3,3)"]


def trials(n, *more):
    return [f"hydra.sweeper.n_trials={n}", "hydra.sweeper.sampler.seed=1", *more]


def test_a_sweep_leaves_results_a_table_and_numbered_directories(app):
    ended = app.run(*FREE, "y=2", *trials(4))
    assert app.states() == ["COMPLETE"] * 4
    results, table, best = app.results(), app.table(), app.study().best_trial
    assert results == {"name": "optuna", "best_params": best.params, "best_value": best.value}
    assert results["best_value"] == pytest.approx((best.params["x"] - 1) ** 2 + 2)
    assert list(table.number) == [0, 1, 2, 3]
    assert list(table.columns) == [
        "number",
        "state",
        "value",
        "x",
        "seconds",
        "retry_of",
        "reason",
        "directory",
    ]
    assert best.user_attrs["y"] == "2"
    assert "y" not in best.params
    for number in range(4):
        config = yaml.safe_load((app.study_directory / str(number) / ".hydra" / "config.yaml").read_text())
        assert (config["x"], config["y"]) == (table.x[number], 2)
        assert not (app.study_directory / str(number) / ".trial" / "frozen.pkl").exists()
    assert (app.study_directory / "multirun.yaml").exists()
    assert f"x={best.params['x']}" in ended.out

    # The same command again: nothing to do, nothing touched, and it still says what is best.
    before = {path: path.stat().st_mtime_ns for path in app.study_directory.glob("*/**/*")}
    app.sweep(*FREE, "y=2", *trials(4))
    assert app.states() == ["COMPLETE"] * 4
    assert {path: path.stat().st_mtime_ns for path in app.study_directory.glob("*/**/*")} == before

    # A larger total goes on from there; a seeded sampler does not repeat its first points.
    app.sweep(*FREE, "y=2", *trials(6))
    assert app.states() == ["COMPLETE"] * 6
    assert app.table().x.nunique() == 6

    # Another space is another study.
    refused = app.sweep("x=interval(-3,4)", "y=3", *trials(9), code=2)
    assert "x was Float(low=-3.0, high=3.0), now Float(low=-3.0, high=4.0); y was 2, now 3" in refused.err
    assert len(refused.err.strip().splitlines()) == 1
    assert len(app.states()) == 6
    app.sweep("x=interval(-3,4)", "y=3", *trials(7), "hydra.sweeper.resume=force")
    assert len(app.states()) == 7
    refused = app.sweep(*FREE, "y=2", *trials(9), "hydra.sweeper.direction=maximize", code=2)
    assert "direction" in refused.err


def test_finite_lists_are_the_full_grid_each_point_once(app):
    app.sweep("x=0,1", "net.layers=range(1,4)", "hydra.sweeper.n_jobs=2")
    points = [(trial.params["x"], trial.params["net.layers"]) for trial in app.study().trials]
    assert points == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]
    assert app.states() == ["COMPLETE"] * 6


def test_part_of_a_grid_and_then_the_rest(app):
    words = ["x=0,1,2", "y=0,1", "hydra/sweeper/sampler=grid"]
    app.sweep(*words, "hydra.sweeper.n_trials=4")
    assert len(app.states()) == 4
    app.sweep(*words)
    assert len({(trial.params["x"], trial.params["y"]) for trial in app.study().trials}) == 6
    assert app.states() == ["COMPLETE"] * 6


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["net.hiden_size=8,16"], "Did you mean 'net.hidden_size'"),
        (["hiden_size=8,16"], "net.hidden_size"),
        (["x=range(3,3)"], "empty"),
        (["x=interval(0,1)", "hydra.sweeper.n_trials=0"], "n_trials=0 is too small"),
        (["x=interval(0,1)", "hydra.sweeper.direction=up"], "minimize, maximize"),
        (["x=interval(0,1)", "hydra/sweeper/sampler=motpe"], "sampler=tpe"),
        (["x=interval(0,1)", "hydra/sweeper/sampler=grid"], "infinitely many"),
        (
            ["x=interval(0,1)", "hydra.sweeper.direction=[minimize,minimize]", "hydra/sweeper/pruner=median"],
            "pruner=none",
        ),
        (["x=interval(0,1)", "hydra.sweeper.enqueue=[{x:2}]"], "outside"),
    ],
)
def test_a_mistake_costs_one_line_and_no_trial(app, words, text):
    refused = app.sweep(*words, code=2)
    assert text in refused.err
    assert len(refused.err.strip().splitlines()) == 1
    assert not (app.study_directory / "0").exists()


def test_every_failure_ends_its_trial_and_not_the_sweep(app):
    reasons = {
        "raise": "RuntimeError: cfg.do is raise",
        "isnan": "returned nan",
        "isinf": "returned inf",
        "none": "not None",
        "two": "2 numbers",
        "word": "not 'abc'",
        "oom": "MemoryError",
        "exit": "SystemExit: 3",
    }
    ended = app.sweep(f"do={','.join(reasons)},nothing", "hydra.sweeper.n_jobs=2")
    assert app.states() == ["FAIL"] * len(reasons) + ["COMPLETE"]
    for told, reason in zip(app.table().reason, reasons.values(), strict=False):
        assert reason in told
        assert reason in ended.err
    assert app.results()["best_params"] == {"do": "nothing"}
    assert "Traceback" in app.log(0)


def test_all_may_fail_and_a_result_is_written(app):
    app.sweep("do=raise", *FREE, *trials(3))
    assert app.states() == ["FAIL"] * 3
    assert app.results() == {"name": "optuna", "best_params": None, "best_value": None}


def test_too_many_failures_end_the_sweep_with_the_reason(app):
    words = ["do=raise,nothing,raise,raise,nothing", "y=0,1"]
    ended = app.sweep(*words, "hydra.sweeper.max_failure_rate=0.25", code=1)
    assert "max_failure_rate" in ended.err
    assert "cfg.do is raise" in ended.err
    # 4 trials (two options, deduplicated, times two): the second failure is more than a quarter.
    assert app.states() == ["FAIL", "FAIL", "WAITING", "WAITING"]
    assert len(app.table()) == 2


def test_failures_in_a_row_end_the_sweep(app):
    app.sweep("do=raise", *FREE, *trials(9, "hydra.sweeper.max_consecutive_failures=3"), code=1)
    assert app.states() == ["FAIL"] * 3


def test_a_killed_trial_is_tried_again_and_then_failed(app):
    app.sweep("do=die,nothing")
    assert app.states() == ["FAIL", "COMPLETE", "FAIL"]
    table = app.table()
    assert table.retry_of[2] == 0
    assert "SIGKILL" in table.reason[0]


def test_a_trial_that_takes_too_long_is_ended(app):
    app.hold()
    app.sweep("sleep=hold,0", "hydra.sweeper.trial_timeout=1.5")
    assert app.states() == ["FAIL", "COMPLETE"]
    assert "trial_timeout" in app.table().reason[0]


def test_a_pruned_trial_is_pruned_though_it_returns(app):
    # The first five trials of the median pruner are never pruned; the sixth is the worst of all.
    points = "[{x:1.1},{x:1.2},{x:1.3},{x:1.4},{x:1.5},{x:3}]"
    app.sweep("do=prune", *FREE, *trials(6, f"hydra.sweeper.enqueue={points}"))
    assert app.states() == ["COMPLETE"] * 5 + ["PRUNED"]
    assert app.study().trials[5].value == 4.0  # the last report, not the -1 returned afterwards
    assert app.study().trials[5].params == {"x": 3.0}


def test_known_points_come_first_and_once(app):
    words = [*FREE, "hydra.sweeper.enqueue=[{x:1},{x:0.5}]"]
    app.sweep(*words, *trials(3))
    app.sweep(*words, *trials(4))
    assert [trial.params["x"] for trial in app.study().trials][:2] == [1.0, 0.5]
    assert len({trial.params["x"] for trial in app.study().trials}) == 4


def test_several_objectives_give_the_pareto_front(app):
    app.sweep("do=pareto", "x=range(-1,4)", "hydra.sweeper.direction=[minimize,minimize]")
    solutions = app.results()["solutions"]
    assert [one["params"]["x"] for one in solutions] == [0, 1, 2]
    assert [one["values"] for one in solutions] == [[0, 4], [1, 1], [4, 0]]
    assert list(app.table().columns[:4]) == ["number", "state", "value_0", "value_1"]


def test_replicates_are_averaged_with_their_interval(app):
    app.sweep("x=1,3", "seed=5", "seed_weight=1", "hydra.sweeper.replicates=3")
    table = app.table()
    assert list(table.value) == [6.0, 10.0]  # mean of 5, 6, 7, and 4 more
    # Student's t with two degrees of freedom, 4.302653, times the standard error 1/sqrt(3)
    assert table.interval[0] == pytest.approx(2.484138, abs=1e-6)
    assert len(list(app.study_directory.glob("0/replicates/*/trial.log"))) == 3


def test_the_best_is_retrained_once_outside_the_study(app):
    words = ["x=0,1", "hydra.sweeper.retrain_best=true"]
    assert "retrained: complete 0" in app.sweep(*words).out
    assert json.loads((app.study_directory / "best-1/.trial/result.json").read_text())["values"] == [0.0]
    assert "already" in app.sweep(*words).out
    assert len(app.states()) == 2


def test_conditions_and_a_python_space(app):
    (app.folder / "spaces.py").write_text(
        "def more(cfg, trial):\n    trial.suggest_float('x', 0, cfg.net.layers)\n"
    )
    params = "params: {do: 'a,nothing', 'y | do=nothing': '1,2'}, live"
    config = app.folder / "toy.yaml"
    config.write_text(config.read_text().replace("live", params))
    app.sweep("hydra.sweeper.custom_search_space=spaces.more", "net.layers=2", *trials(6))
    for trial in app.study().trials:
        assert ("y" in trial.params) == (trial.params["do"] == "nothing")
        assert 0 <= trial.params["x"] <= 2


@pytest.mark.parametrize(
    "sampler", ["tpe", "random", "gp", "qmc", "nsgaii", "nsgaiii", "brute_force", "partial_fixed"]
)
def test_samplers_by_name(tmp_path, sampler):
    from lstm_lab.sweeps.config import SAMPLERS
    from lstm_lab.sweeps.samplers import build_sampler

    node = {"_target_": SAMPLERS[sampler][0], **dict.fromkeys(SAMPLERS[sampler][1].split())}
    if sampler == "partial_fixed":
        node["fixed_params"] = {"x": 1}
    if sampler == "nsgaiii":
        node["reference_points"] = [[1.0]]
    assert sampler.replace("_", "") in type(build_sampler(node)).__name__.lower()
