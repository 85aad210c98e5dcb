"""Conventions of platforms and their tables: packaged data, which users can override and extend."""
