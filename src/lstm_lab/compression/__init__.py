"""A trained model made smaller."""

from lstm_lab.compression.int8 import quantized

__all__ = ["quantized"]
