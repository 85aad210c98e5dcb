"""How files and data frames of the user's become tables: read by DuckDB, with what was inferred of them told.

    File ──▶ Reading (DuckDB's query, and its columns as they are) ──▶ Verdict of each column ──▶ Incoming ──▶ table

A reading takes no value for anything yet: CSV is text, JSON's numbers are as they are written. A verdict is the first
`Form` that all values of a column have, counted over all rows; what is odd is looked up again, for its line. Rows are
written by the same writer as those of queries, so that a table is replaced at one instant or not at all.
"""
