"""Turns the user's files and data frames into tables: DuckDB reads them, and what was inferred of them is told.

    File ──▶ IncomingQuery (DuckDB's query, and its columns as they are) ──▶ InferredColumn ──▶ Incoming ──▶ table

An incoming query takes no value for anything yet: CSV is text, JSON's numbers are as they are written. A column is
inferred to be of the first `ValueForm` that all of its values have, counted over all rows; what is odd is looked up
again, for its line. Rows are written by the same writer as those of queries, so that a table is replaced at one
instant or not at all.
"""
