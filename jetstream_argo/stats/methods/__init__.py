"""The statistics, a module for each: its parameters, the sufficient statistics it needs, and its rows."""
