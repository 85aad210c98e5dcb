"""A small BigQuery on loopback: the part of its REST API that the engine uses, over the embedded engine's tables.

Resources: https://cloud.google.com/bigquery/docs/reference/rest
"""
