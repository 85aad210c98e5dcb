"""What becomes of results afterwards: deleted, or rid of units that asked for it."""
