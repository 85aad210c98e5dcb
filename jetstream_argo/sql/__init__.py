"""The text of every query, in BigQuery's dialect."""
