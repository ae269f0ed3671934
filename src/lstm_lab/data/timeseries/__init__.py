"""Time series: from a csv to windows, and from forecasts back to a table."""
