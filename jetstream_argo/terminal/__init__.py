"""The one door to the terminal: nothing that comes from a file gets there unescaped."""
