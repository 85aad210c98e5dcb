"""Splits metrics into partials that merge."""
