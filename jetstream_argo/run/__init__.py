"""What a node does, and how all of them are done on one machine."""
