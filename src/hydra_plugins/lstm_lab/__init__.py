"""The doorway: Hydra 1.3 takes plugins only from the namespace ``hydra_plugins``. The sweeper itself lives in
`lstm_lab.sweeps`; every Hydra application of the environment imports this file, so it must stay cheap.
"""

from lstm_lab.sweeps import config, sweeper

config.register()


class OptunaSweeper(sweeper.OptunaSweeper):
    """``hydra/sweeper=optuna``."""
