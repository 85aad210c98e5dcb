"""Runs nodes: one of them in a pod, or all of them on one machine."""
