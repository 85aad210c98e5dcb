"""What BigQuery would accept, decided by ZetaSQL itself."""
