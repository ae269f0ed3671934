"""A trained model as one file that runs without this package: tensors in, tensors out."""

from lstm_lab.exporting.graph import Graph, Port
from lstm_lab.exporting.write import FORMATS, Exported, export

__all__ = ["FORMATS", "Exported", "Graph", "Port", "export"]
