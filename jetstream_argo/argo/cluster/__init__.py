"""Workflows in a cluster: submitted, watched, retried."""
