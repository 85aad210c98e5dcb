"""How all files of an experiment together say what it is."""
