"""The names people look for: each a default cell over one `SequenceModel`."""

from lstm_lab.models.sequence import SequenceModel


class LSTM(SequenceModel):
    """Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000)."""

    default_cell = "lstm"


class GRU(SequenceModel):
    """Gated recurrent unit (Cho et al. 2014)."""

    default_cell = "gru"


class RNN(SequenceModel):
    """The simple recurrent network (Elman 1990)."""

    default_cell = "rnn"
