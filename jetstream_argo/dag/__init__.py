"""Which node needs which."""
