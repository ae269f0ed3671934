"""The sequence-to-sequence model by the name people look for."""

from lstm_lab.models.sequence import SequenceModel


class Seq2SeqTranslator(SequenceModel):
    """Encoder, attention and decoder: Sutskever et al. (2014), Bahdanau et al. (2015), Luong et al. (2015).

    Its arguments are those of `SequenceModel`; ``decoder`` holds the keys of
    `lstm_lab.nets.encoder_decoder.DecoderSettings`. It learns what gives sentences (``task=translate``).
    """

    default_cell = "lstm"
