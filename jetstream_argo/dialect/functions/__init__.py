"""Functions that queries may call beside those of BigQuery."""
