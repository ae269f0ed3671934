"""Models compared as they should be: over seeds, on the same data, with intervals, a paired test and the baselines.

`lstm_lab.leaderboard` is the door; `rank` is its twin in Python.
"""

from lstm_lab.ranking.board import Board, rank, rank_runs

__all__ = ["Board", "rank", "rank_runs"]
