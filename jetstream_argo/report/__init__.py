"""What was computed, for readers."""
