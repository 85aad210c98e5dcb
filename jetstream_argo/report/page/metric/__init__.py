"""The parts of a metric's own section: a module each, with a function from the metric to the part, or None."""
