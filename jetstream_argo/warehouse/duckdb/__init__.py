"""The warehouse in a folder: BigQuery's dialect on DuckDB, over Parquet files."""
