"""Reads what an experiment's files say, before anything is computed."""
