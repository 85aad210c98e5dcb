"""The production warehouse."""
