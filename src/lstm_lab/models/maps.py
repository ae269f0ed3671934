"""The nets whose states are maps, by the names people look for."""

from lstm_lab.models.sequence import SequenceModel


class ConvLSTM(SequenceModel):
    """Encoder and forecaster of convolutional LSTMs (Shi et al. 2015).

    Its arguments are those of `SequenceModel`; ``maps`` holds ``patch``, ``kernel`` and ``feedback``. It learns what
    gives frames (``task=frames``).
    """

    default_cell = "convlstm"


class PredRNN(SequenceModel):
    """Spatiotemporal LSTMs with a memory that climbs through the layers (Wang et al. 2017); else as `ConvLSTM`."""

    default_cell = "st_lstm"
