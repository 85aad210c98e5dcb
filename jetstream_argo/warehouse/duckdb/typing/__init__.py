"""Types the values of a query and writes it in DuckDB's SQL, in one walk through its syntax tree."""
