"""Decides by an experiment's results: a written rule, applied to their intervals."""
