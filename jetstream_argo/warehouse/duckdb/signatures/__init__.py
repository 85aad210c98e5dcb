"""The list of what the embedded engine does as BigQuery does it, as data: the files `*.txt` beside this one."""
