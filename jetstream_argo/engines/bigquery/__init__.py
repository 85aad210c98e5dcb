"""The production warehouse.

How its limits (https://cloud.google.com/bigquery/quotas) are kept:

- 1,500 writes a table and day, failed ones included, of load jobs and of queries with a destination: a node writes to
  its own source's tables, once for each run of dates or windows, and to the status and estimates tables with one load
  job for each thing done.
- 5 changes of a table's description, labels or schema in 10 seconds: they are made only where something differs.
- 2 DML statements at once on a table, 20 waiting: there is no DML, only appends and replacements of whole tables.
- 10,000 partitions a table, 4,000 a job: a partition is a date, or a window's index.
- 1,024,000 characters a query, 6 hours a query: what is refused as too big is split by whoever asked.
- Requests a second, queries at once: refused for the moment, and tried again here with growing pauses.
"""
