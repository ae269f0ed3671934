"""The maths: pure torch modules, by level cell, recurrent, encoder, decoder, head.

Every recurrent level has ``forward`` over whole sequences and ``step`` over one time step; the state is an
argument and a result, never an attribute. Padding, batch size and order never change a result.
"""

from lstm_lab.nets.cell import CELLS, Cell, CellState
from lstm_lab.nets.init import initialise
from lstm_lab.nets.recurrent import Recurrent, State

__all__ = ["CELLS", "Cell", "CellState", "Recurrent", "State", "initialise"]
