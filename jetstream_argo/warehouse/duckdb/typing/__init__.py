"""What the values of a query are, and how it is written in DuckDB's SQL: one walk through its syntax tree."""
