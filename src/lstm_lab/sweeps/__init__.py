"""Sweeps: Optuna through Hydra's multirun, with pruning, resume and many workers.

An application needs one name from here, and only if it wants to be pruned while it trains:

    trial = lstm_lab.sweeps.current_trial()      # None outside a sweep
    trial.report(validation_loss, step)
    if trial.should_prune(): ...
"""

from lstm_lab.sweeps.handle import TrialHandle, current_trial

__all__ = ["TrialHandle", "current_trial"]
