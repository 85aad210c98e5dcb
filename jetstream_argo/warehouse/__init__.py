"""The warehouses that queries run in."""
