"""Finds what is wrong with an experiment, and what it would cost, before anything is computed."""
