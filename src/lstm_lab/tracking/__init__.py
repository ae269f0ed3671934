"""The memory of the house: every run in MLflow, truthfully, and never in the way.

A run writes all that it has to say to ``events.jsonl`` in its own directory. A thread carries it to MLflow;
what it could not carry, ``python -m lstm_lab.sync`` carries later. Only this room imports mlflow, and only
inside the functions that need it: importing it costs two seconds.
"""
