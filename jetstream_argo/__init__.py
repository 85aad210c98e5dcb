"""Experiment analysis as one Argo Workflow of small, retriable tasks."""
