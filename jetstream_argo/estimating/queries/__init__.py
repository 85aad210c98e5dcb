"""The queries that deliver what statistics need: a few numbers a branch instead of its units."""
