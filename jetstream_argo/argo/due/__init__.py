"""Which experiments are due on a date, and their Workflows."""
