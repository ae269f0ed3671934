"""The config nodes of ``hydra/sweeper=optuna``, ``hydra/sweeper/sampler=…`` and ``hydra/sweeper/pruner=…``.

Every Hydra application of the environment imports this file when it starts, so it holds plain data only.
A field that is None was not set by the user and is not passed on: Optuna's own default stays in force.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore

_TPE = (
    "seed n_startup_trials n_ei_candidates multivariate group constant_liar warn_independent_sampling "
    "consider_prior prior_weight consider_magic_clip consider_endpoints gamma weights constraints_func"
)
_GENETIC = (
    "seed population_size mutation mutation_prob crossover crossover_prob swapping_prob constraints_func"
)

# Name of the option: (what is built, the arguments it takes). `auto` is TPE under a name that tells whether
# the user chose a sampler; the arguments of TPE may then be set without saying `tpe`, as they always could.
SAMPLERS: dict[str, tuple[str, str]] = {
    "auto": ("optuna.samplers.TPESampler", _TPE),
    "tpe": ("optuna.samplers.TPESampler", _TPE),
    "random": ("optuna.samplers.RandomSampler", "seed"),
    "gp": (
        "optuna.samplers.GPSampler",
        "seed independent_sampler n_startup_trials deterministic_objective constraints_func "
        "warn_independent_sampling",
    ),
    "qmc": (
        "optuna.samplers.QMCSampler",
        "seed qmc_type scramble independent_sampler warn_asynchronous_seeding warn_independent_sampling",
    ),
    "cmaes": (
        "optuna.samplers.CmaEsSampler",
        "seed x0 sigma0 n_startup_trials independent_sampler warn_independent_sampling "
        "consider_pruned_trials restart_strategy popsize inc_popsize use_separable_cma with_margin lr_adapt "
        "source_trials",
    ),
    "nsgaii": ("optuna.samplers.NSGAIISampler", _GENETIC),
    "nsgaiii": ("optuna.samplers.NSGAIIISampler", _GENETIC + " reference_points dividing_parameter"),
    "grid": ("optuna.samplers.GridSampler", "seed"),
    "brute_force": ("optuna.samplers.BruteForceSampler", "seed avoid_premature_stop"),
    "partial_fixed": ("optuna.samplers.PartialFixedSampler", "fixed_params base_sampler"),
    "motpe": ("optuna.samplers.MOTPESampler", "seed"),
}

PRUNERS: dict[str, tuple[str, str]] = {
    "auto": ("optuna.pruners.MedianPruner", "n_startup_trials n_warmup_steps interval_steps n_min_trials"),
    "none": ("optuna.pruners.NopPruner", ""),
    "median": ("optuna.pruners.MedianPruner", "n_startup_trials n_warmup_steps interval_steps n_min_trials"),
    "percentile": (
        "optuna.pruners.PercentilePruner",
        "percentile n_startup_trials n_warmup_steps interval_steps n_min_trials",
    ),
    "hyperband": (
        "optuna.pruners.HyperbandPruner",
        "min_resource max_resource reduction_factor bootstrap_count",
    ),
    "successive_halving": (
        "optuna.pruners.SuccessiveHalvingPruner",
        "min_resource reduction_factor min_early_stopping_rate bootstrap_count",
    ),
    "asha": (
        "optuna.pruners.SuccessiveHalvingPruner",
        "min_resource reduction_factor min_early_stopping_rate bootstrap_count",
    ),
    "threshold": ("optuna.pruners.ThresholdPruner", "lower upper n_warmup_steps interval_steps"),
    "patient": ("optuna.pruners.PatientPruner", "wrapped_pruner patience min_delta"),
    "wilcoxon": ("optuna.pruners.WilcoxonPruner", "p_threshold n_startup_steps"),
}


@dataclass
class SweeperConf:
    """Everything under ``hydra.sweeper``; the first nine keys are those of hydra-optuna-sweeper."""

    defaults: list[Any] = field(default_factory=lambda: ["_self_", {"sampler": "auto"}, {"pruner": "auto"}])
    _target_: str = "hydra_plugins.lstm_lab.OptunaSweeper"
    # Sampler, pruner and storage are built by the sweeper, where they are needed, not by Hydra.
    _recursive_: bool = False

    sampler: Any = None
    direction: Any = "minimize"  # or a list of them for several objectives
    storage: Any = None  # a URL, a journal file, or a node with _target_; None: a journal in hydra.sweep.dir
    study_name: str | None = None
    n_trials: int | None = None  # in total, over all starts of the sweep; None: the full grid, else 20
    n_jobs: int = 1  # trials at the same time
    max_failure_rate: float = 1.0  # of all n_trials
    custom_search_space: str | None = None  # dotted path of f(config, optuna_trial)
    params: dict[str, Any] | None = None

    pruner: Any = None
    enqueue: list[Any] = field(default_factory=list)  # known points {key: value}, tried first
    replicates: int = 1  # runs per point, each with its own seed; the value is their mean
    replicate_key: str = "seed"  # the key those runs count up
    ranks: Any = 1  # processes per trial; several are started as torchrun would
    devices: Any = "auto"  # CUDA devices dealt out to the slots: auto, null, or a list
    threads: int | None = None  # per process; None: cores divided among the slots
    preload: list[str] = field(default_factory=list)  # modules imported once for all trials
    isolation: str = "auto"  # process, launcher (Hydra's), or auto: process unless a launcher was chosen
    trial_timeout: float | None = None  # seconds
    max_retries: int = 1  # for killed trials, not for those that fail by themselves
    max_consecutive_failures: int | None = 10
    resume: str = "auto"  # auto, or force: go on although the space has changed
    retrain_best: bool = False  # after the sweep, run the best point once outside the study
    observers: list[Any] = field(default_factory=list)  # dotted paths or nodes, see lstm_lab.sweeps.observer
    figures: Any = None  # dotted path of f(tables, folder); None draws nothing
    live: Any = "auto"  # a live table: auto (in a terminal), true, false


def register() -> None:
    """Puts the nodes into Hydra's config store; doing it twice changes nothing."""
    store = ConfigStore.instance()
    for name in ("optuna", "lstm_lab"):
        store.store(group="hydra/sweeper", name=name, node=SweeperConf, provider="lstm_lab")
    for group, options in (("sampler", SAMPLERS), ("pruner", PRUNERS)):
        for name, (target, arguments) in options.items():
            # Plain dicts: a class made on the fly could not travel to another process.
            node = {"_target_": target, **dict.fromkeys(arguments.split())}
            store.store(group=f"hydra/sweeper/{group}", name=name, node=node, provider="lstm_lab")
