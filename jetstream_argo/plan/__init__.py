"""The windows, metrics and statistics that an analysis consists of."""
