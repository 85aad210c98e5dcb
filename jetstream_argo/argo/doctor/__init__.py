"""Whether an installation can work: what is wrong with it, and what to do."""
