"""Comparisons of branches: the intervals that the statistics put into rows."""
