"""Does the work of nodes, and of all of them on one machine."""
