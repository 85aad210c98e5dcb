"""Estimates from sufficient statistics."""
