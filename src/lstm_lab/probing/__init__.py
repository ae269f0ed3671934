"""Instruments: what goes on inside a recurrent network, for any cell, any data, while it trains or afterwards.

One module a probe, with a function ``measure`` that gives tables; `lstm_lab.figures.probes` draws them.
"""
