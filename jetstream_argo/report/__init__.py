"""Puts what was computed together for readers."""
