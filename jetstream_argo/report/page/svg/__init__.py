"""Drawings as SVG that needs nothing else: no script, no font, no size of its own beyond its height."""
