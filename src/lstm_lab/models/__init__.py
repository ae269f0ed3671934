"""LightningModules, each usable from a config or from plain Python with a stock ``lightning.Trainer``."""

from lstm_lab.models.recurrent import GRU, LSTM, RNN
from lstm_lab.models.sequence import SequenceModel

__all__ = ["GRU", "LSTM", "RNN", "SequenceModel"]
