"""LightningModules, each usable from a config or from plain Python with a stock ``lightning.Trainer``."""

from lstm_lab.models.maps import ConvLSTM, PredRNN
from lstm_lab.models.recurrent import GRU, LSTM, RNN
from lstm_lab.models.sequence import SequenceModel
from lstm_lab.models.translator import Seq2SeqTranslator

__all__ = ["GRU", "LSTM", "RNN", "ConvLSTM", "PredRNN", "Seq2SeqTranslator", "SequenceModel"]
