"""What other packages add, run for real where they are installed.

``pip install cmaes hydra-joblib-launcher hydra-submitit-launcher``
"""

import pytest

pytestmark = pytest.mark.peers


def test_cma_es(app):
    pytest.importorskip("cmaes")
    app.run("x=interval(-3,3)", "seed=1", "hydra/sweeper/sampler=cmaes", "hydra.sweeper.n_trials=5")
    assert app.states() == ["COMPLETE"] * 5
    assert app.results()["best_value"] < 4


def test_trials_through_joblib(app):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    app.run("x=interval(-3,3)", "hydra/launcher=joblib", "hydra.sweeper.n_jobs=2", "hydra.sweeper.n_trials=4")
    assert app.states() == ["COMPLETE"] * 4


def test_trials_through_submitit(app):
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    words = ("hydra/launcher=submitit_local", "hydra.sweeper.n_jobs=2", "hydra.sweeper.n_trials=4")
    app.run("x=interval(-3,3)", *words)
    assert app.states() == ["COMPLETE"] * 4
