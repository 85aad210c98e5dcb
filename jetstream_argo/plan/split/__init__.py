"""How a metric is split into partials that merge."""
