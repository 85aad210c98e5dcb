"""The files that configuration is read from, and written to."""
