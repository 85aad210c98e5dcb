"""What BigQuery's SQL means, without a warehouse."""
