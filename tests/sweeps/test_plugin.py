"""Hydra finds the sweeper, everybody else pays next to nothing for it, and its configs compose like Hydra's."""

import inspect
import subprocess
import sys
import textwrap

import optuna
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.sweeper import Sweeper
from omegaconf import OmegaConf, open_dict

from lstm_lab.errors import UserError
from lstm_lab.sweeps.config import PRUNERS, SAMPLERS
from lstm_lab.sweeps.frozen import Freezer, masked_copy
from lstm_lab.sweeps.samplers import build_sampler


def test_hydra_finds_the_sweeper():
    names = [f"{one.__module__}.{one.__name__}" for one in Plugins.instance().discover(Sweeper)]
    assert "hydra_plugins.lstm_lab.OptunaSweeper" in names


def test_finding_it_imports_nothing_heavy():
    script = """
        import sys
        from hydra.core.plugins import Plugins
        Plugins.instance()
        heavy = {"torch", "optuna", "lightning", "mlflow", "pandas", "numpy", "rich", "psutil"}
        print(sorted(heavy & set(sys.modules)))
    """
    found = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True)
    assert found.stdout.strip() == "[]", found.stderr


@pytest.fixture
def config_of(tmp_path):
    (tmp_path / "app.yaml").write_text("defaults: [_self_, net: a]\nx: 1\ny: ${x}\nnet: {z: 1}\n")
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "a.yaml").write_text("size: 1\n")
    (tmp_path / "net" / "b.yaml").write_text("size: 2\ndeep: {er: 3}\n")

    def composed(*words):
        return compose("app", overrides=list(words), return_hydra_config=True)

    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        yield composed
    GlobalHydra.instance().clear()


def test_both_names_and_every_option_are_there(config_of):
    assert (
        config_of("hydra/sweeper=optuna").hydra.sweeper == config_of("hydra/sweeper=lstm_lab").hydra.sweeper
    )
    loader = GlobalHydra.instance().config_loader()
    assert set(loader.get_group_options("hydra/sweeper/sampler")) == set(SAMPLERS)
    assert set(loader.get_group_options("hydra/sweeper/pruner")) == set(PRUNERS)


def test_what_is_unset_stays_unset_so_that_optunas_defaults_hold(config_of):
    config = config_of("hydra/sweeper=optuna", "hydra/sweeper/sampler=tpe", "hydra/sweeper/pruner=median")
    target, arguments = SAMPLERS["tpe"]
    assert config.hydra.sweeper.sampler == {"_target_": target, **dict.fromkeys(arguments.split())}
    built = build_sampler(OmegaConf.to_container(config.hydra.sweeper.sampler))
    default = optuna.samplers.TPESampler()
    assert (built._multivariate, built._constant_liar) == (default._multivariate, default._constant_liar)
    assert built._n_startup_trials == default._n_startup_trials


@pytest.mark.parametrize(
    ("group", "options"), [("sampler", SAMPLERS), ("pruner", PRUNERS)], ids=["samplers", "pruners"]
)
def test_every_argument_is_one_that_optuna_takes(group, options):
    for target, arguments in options.values():
        built = getattr(getattr(optuna, f"{group}s"), target.rpartition(".")[2], None)
        if built is not None:  # motpe is a name with a message, no sampler
            assert set(arguments.split()) <= set(inspect.signature(built).parameters), target


def test_arguments_of_tpe_may_be_set_without_naming_it(config_of):
    config = config_of("hydra/sweeper=optuna", "hydra.sweeper.sampler.n_startup_trials=3")
    assert config.hydra.sweeper.sampler.n_startup_trials == 3


@pytest.mark.parametrize(
    "points",
    [
        [["x=2"], ["x=3"]],
        [["net=b", "x=2"], ["net=a", "x=2"], ["net=b", "net.size=7"]],
        [["net=b", "net.deep.er=5"], ["+new=1"], ["+new={a:1}", "++new.a=2"], ["~x"], ["y=4", "net.z=2"]],
        [["net={z:4}"], ["~net"], ["x=null", "net@other=b"]],
    ],
)
def test_points_compose_as_hydra_composes_them(config_of, points):
    config = config_of("hydra/sweeper=optuna")
    with open_dict(config):
        config.hydra.job.config_name = "app"
    loader = GlobalHydra.instance().config_loader()
    freezer = Freezer(loader, config)
    for words in points:
        try:
            wanted = loader.load_sweep_config(config, words)
        except HydraException:
            wanted = None  # then ours refuses it too
        if wanted is None:
            with pytest.raises(UserError):
                freezer.compose(words)
        else:
            assert freezer.compose(words) == wanted


def test_no_file_holds_a_password(config_of, tmp_path):
    word = "hydra.sweeper.storage='postgresql://me:secret@host/db'"
    config = config_of("hydra/sweeper=optuna", word)
    with open_dict(config):
        config.hydra.job.config_name = "app"
        config.hydra.overrides.hydra.append(word)
    assert "secret" not in OmegaConf.to_yaml(masked_copy(config))
    frozen = Freezer(GlobalHydra.instance().config_loader(), config).freeze(["x=2"], 0)
    assert "secret" not in OmegaConf.to_yaml(frozen.config)
    assert frozen.config.x == 2
    assert config.hydra.sweeper.storage.count("secret") == 1  # the sweeper itself still needs it
