"""Trials of several processes, and trials through Hydra's own launchers."""

import json
import textwrap

import pytest

RANKS = """
    import json, os
    import hydra
    from lstm_lab.sweeps import current_trial

    @hydra.main(version_base="1.3", config_path=os.path.dirname(os.path.abspath(__file__)), config_name="toy")
    def main(cfg):
        import torch.distributed as dist
        dist.init_process_group("gloo")
        rank, trial = dist.get_rank(), current_trial()
        if cfg.do == "raise" and rank == 1:
            raise RuntimeError("rank 1 has had enough")
        everybody = [None] * dist.get_world_size()
        dist.all_gather_object(everybody, (cfg.x, trial.number, trial.params["x"]))
        assert len(set(everybody)) == 1, everybody
        told = []
        for step in range(4):
            trial.report((cfg.x - 1) ** 2, step)
            told.append(trial.should_prune())
            if told[-1]:
                break
        dist.all_gather_object(everybody, told)
        assert all(one == told for one in everybody), everybody
        (trial.directory / f"rank{rank}.json").write_text(json.dumps([cfg.x, len(told)]))
        return (cfg.x - 1) ** 2

    if __name__ == "__main__":
        main()
"""


@pytest.mark.ddp
def test_two_ranks_train_one_config_and_stop_together(app):
    (app.folder / "toy.py").write_text(textwrap.dedent(RANKS))
    points = "[{x:1.1},{x:1.2},{x:3}]"
    app.sweep(
        "x=interval(0,3)",
        "hydra.sweeper.n_trials=3",
        "hydra.sweeper.ranks=2",
        f"hydra.sweeper.enqueue={points}",
        "hydra/sweeper/pruner=median",
        "hydra.sweeper.pruner.n_startup_trials=2",
    )
    assert app.states() == ["COMPLETE", "COMPLETE", "PRUNED"]
    for number, x in enumerate([1.1, 1.2, 3.0]):
        answers = [
            json.loads((app.study_directory / str(number) / f"rank{rank}.json").read_text())
            for rank in (0, 1)
        ]
        assert answers[0] == answers[1]
        assert answers[0][0] == x
    assert len(app.study().trials[0].intermediate_values) == 4  # rank 0 alone was heard


@pytest.mark.ddp
def test_one_failing_rank_fails_the_trial(app):
    (app.folder / "toy.py").write_text(textwrap.dedent(RANKS))
    app.sweep(
        "x=1.5,2",
        "do=raise",
        "hydra.sweeper.ranks=2",
        "hydra.sweeper.n_trials=1",
        "hydra.sweeper.max_retries=0",
    )
    assert app.states() == ["FAIL"]
    assert "rank 1 has had enough" in app.table().reason[0]


def test_hydras_launcher_for_those_who_choose_it(app):
    points = "[{x:1.1},{x:1.2},{x:1.3},{x:1.4},{x:1.5},{x:3},{x:1}]"
    app.sweep(
        "do=prune",
        "x=interval(0,3)",
        "hydra/launcher=basic",
        "hydra.sweeper.n_jobs=5",
        "hydra.sweeper.n_trials=7",
        f"hydra.sweeper.enqueue={points}",
    )
    assert app.states() == ["COMPLETE"] * 5 + ["PRUNED", "COMPLETE"]
    assert app.results()["best_params"] == {"x": 1.0}
    assert (app.study_directory / "6" / ".hydra" / "config.yaml").exists()
    refused = app.sweep("x=1,2", "hydra/launcher=basic", "hydra.sweeper.replicates=2", code=2)
    assert "isolation=process" in refused.err


def test_a_launcher_also_survives_failures(app):
    app.sweep("do=raise,isnan,two,nothing", "hydra.sweeper.isolation=launcher")
    assert app.states() == ["FAIL", "FAIL", "FAIL", "COMPLETE"]
    assert list(app.table().reason[:2]) == [
        "RuntimeError: cfg.do is raise",
        "ValueError: the task function returned nan, which is no finite number",
    ]
