"""How files and data frames of the user's become tables: read by DuckDB, with what was inferred of them told."""
