"""The record of an experiment: what was computed, from what, and whether that still is what there is."""
