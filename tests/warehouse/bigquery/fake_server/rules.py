"""What the service refuses of a request before it does anything: labels, clustering, dispositions, documents.

Each rule names the page of Google's documentation that it is from.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

from tests.warehouse.bigquery.fake_server.wire import ApiError

MEGABYTE = 1024 * 1024
# https://cloud.google.com/bigquery/quotas#load_jobs and #query_jobs, "Maximum row size"
LARGEST_ROW = 100 * MEGABYTE
# https://cloud.google.com/bigquery/docs/paging-results: a page ends at 20 MB, whatever is asked for
LARGEST_PAGE = 20 * MEGABYTE
# https://cloud.google.com/bigquery/docs/clustered-tables#limitations
MOST_CLUSTERS = 4
# https://cloud.google.com/bigquery/docs/labels-intro#requirements
MOST_LABELS, LONGEST_LABEL = 64, 63
# https://cloud.google.com/bigquery/quotas#standard_tables and #partitioned_tables: changes to a table in ten seconds
WRITES, WRITES_BY_PARTITION, IN = 5, 50, timedelta(seconds=10)


def check_labels(labels: object) -> None:
    """Refuse labels whose keys or values have other characters than the service takes, or are too long or too many."""
    if not isinstance(labels, Mapping):
        return
    if len(labels) > MOST_LABELS:
        raise _invalid(f"Too many labels: {len(labels)}; the most is {MOST_LABELS}")
    for key, value in labels.items():
        if not re.fullmatch(r"[^\W\d_][\w-]*", str(key)) or not _is_short_and_lower(str(key)):
            raise _invalid(f'Label key "{key}" has invalid characters')
        if value is not None and (not re.fullmatch(r"[\w-]*", str(value)) or not _is_short_and_lower(str(value))):
            raise _invalid(f'Label value "{value}" has invalid characters')


def _is_short_and_lower(text: str) -> bool:
    return len(text) <= LONGEST_LABEL and text == text.lower()


def check_storage(given: Mapping[str, object]) -> None:
    """Refuse more than four clustering columns."""
    clustering = given.get("clustering")
    if isinstance(clustering, Mapping) and len(clustering.get("fields", ())) > MOST_CLUSTERS:
        raise _invalid(f"Clustering supports at most {MOST_CLUSTERS} fields")


def check_schema_update(config: Mapping[str, object]) -> None:
    """Refuse schema updates of a write that does not append.

    https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationLoad.FIELDS.schema_update_options
    """
    destination = config.get("destinationTable")
    of_a_partition = isinstance(destination, Mapping) and "$" in str(destination.get("tableId"))
    write = config.get("writeDisposition", "WRITE_APPEND")
    if config.get("schemaUpdateOptions") and write != "WRITE_APPEND" and not of_a_partition:
        raise _invalid("Schema update options should only be specified with WRITE_APPEND disposition")


def check_key(given: object) -> None:
    """Refuse what is not to be written under a key of the customer's.

    https://cloud.google.com/bigquery/docs/customer-managed-encryption#cmek_organization_policy
    """
    if not isinstance(given, Mapping) or not given.get("kmsKeyName"):
        raise ApiError(412, "conditionNotMet", "Constraint constraints/gcp.restrictNonCmekServices violated")


def check_lines(text: str, *, largest: int) -> None:
    """Refuse rows that are no JSON, in which NaN is nothing, and those that are too large."""
    for number, line in enumerate(text.splitlines()):
        if len(line.encode()) > largest:
            raise _invalid(f"Error while reading data: row {number} is larger than the maximum of {largest} bytes")
        try:
            json.loads(line, parse_constant=_refuse_constant)
        except ValueError as error:
            raise _invalid(f"Error while reading data: JSON table encountered too many errors: {error}") from error


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def page(rows: Sequence[object], *, most: int, largest: int) -> int:
    """Return how many of the rows a page has: so many at most, and of so many bytes, but for a single row."""
    size = 0
    for count, row in enumerate(rows[:most]):
        size += len(json.dumps(row))
        if size > largest and count:
            return count
    return min(most, len(rows))


def _invalid(message: str) -> ApiError:
    return ApiError(400, "invalid", message)
