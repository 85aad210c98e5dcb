"""The answers of an experiment: of each metric and window one comparison a branch, with a verdict in words."""
