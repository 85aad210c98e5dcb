"""The result page: the answers of an experiment as one HTML file, complete without scripts and the network."""
