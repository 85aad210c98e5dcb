"""Deletes results afterwards, or rids them of units that asked for it."""
