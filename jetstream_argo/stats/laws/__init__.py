"""Probability laws: distribution functions, quantiles and bounds."""
