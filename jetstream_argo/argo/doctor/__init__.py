"""Checks an installation: finds what would keep it from working, and says what to do about it."""
