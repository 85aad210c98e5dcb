"""Infers the types of the columns that SQL reads."""
