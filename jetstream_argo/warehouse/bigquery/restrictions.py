"""Finds what BigQuery left out of an answer without an error: rows by row-level security, values by masking.

https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatistics
"""

from google.cloud.bigquery import QueryJob

ROWS = "row access policies"
VALUES = "masked columns"


def restrictions_of(job: QueryJob) -> tuple[str, ...]:
    """Return by what the rows and values that a query has read were restricted, as the job itself says."""
    statistics = job._properties.get("statistics", {})  # the library has no name for these two
    found = {
        ROWS: statistics.get("rowLevelSecurityStatistics", {}).get("rowLevelSecurityApplied"),
        VALUES: statistics.get("dataMaskingStatistics", {}).get("dataMaskingApplied"),
    }
    return tuple(name for name, applied in found.items() if applied)
