"""The experiments that are due on a date, and their Workflows."""
