"""Asks ZetaSQL itself what BigQuery would accept."""
