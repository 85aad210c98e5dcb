"""The meaning of BigQuery's SQL, without a warehouse."""
