"""Resolves all files of an experiment into one configuration."""
