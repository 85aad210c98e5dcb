"""Fills the templates in configuration files."""
