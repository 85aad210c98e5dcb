"""What may be decided from an experiment's results: a written rule, and the intervals that say so."""
