"""Which windows, metrics and statistics an analysis consists of."""
