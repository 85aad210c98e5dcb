"""Checks the names that people give to branches, metrics, segments and files, and says why one will not do."""

import re
from collections.abc import Iterable, Iterator

LONGEST = 128  # characters: names become columns, files and nodes of a workflow

# What the tables that hold units have as columns; a segment or metric of that name would be one of them.
COLUMNS = frozenset(
    "analysis_id branch enrollment_date num_enrollment_events exposure_date num_exposure_events "
    "analysis_window_start analysis_window_end window_index window_number batch basis".split()
)
# BigQuery keeps these beginnings of columns' names for itself.
# https://cloud.google.com/bigquery/docs/schemas#column_names
_BIGQUERY = ("_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier")
_METRICS = {
    "identity": "the number of units is stored under it",
    "sample_ratio": "the check of how units are split is stored under it",
}
_SEGMENTS = {"all": "it stands for all units"}

_SLUG = re.compile(r"[a-zA-Z0-9_]+")
_BRANCH = re.compile(r"\w(?:[\w .:+-]*[\w.:+-])?")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_DATASET = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9.:-]*\.)?[A-Za-z0-9_][A-Za-z0-9_-]*")

# A column, or a path into a struct; BigQuery takes no more of these in a name, quoted or not.
COLUMN_PATTERN = r"^[^`\\\x00-\x1f\x7f-\x9f!\"$()*,/;?@\[\]^{}~]+$"
WILDCARDS = frozenset("*?[]")

FILE_PATTERN = rf"^{_FILE.pattern}$"
NOT_A_SLUG = "is not a name: only letters, digits and underscores can be used"


def is_slug(name: str) -> bool:
    """Return whether `name` can be the name of a metric, a segment or a data source."""
    return _SLUG.fullmatch(name) is not None


def is_pattern(name: str) -> bool:
    """Return whether `name` is meant to match the names of several things."""
    return not WILDCARDS.isdisjoint(name)


def is_file_name(name: str) -> bool:
    """Return whether a file of that name, with an ending, is in its folder and nowhere else."""
    return _FILE.fullmatch(name) is not None and len(name) <= LONGEST


def wrong_with_metric(name: str) -> str | None:
    """Return what is wrong with the name of a metric, or None."""
    return _wrong_with_column(name) or _kept(name, _METRICS)


def wrong_with_segment(name: str) -> str | None:
    """Return what is wrong with the name of a segment, or None."""
    return _wrong_with_column(name) or _kept(name, _SEGMENTS)


def wrong_with_source(name: str) -> str | None:
    """Return what is wrong with the name of a data source, or None."""
    return _wrong_with_slug(name)


def wrong_with_dataset(name: str) -> str | None:
    """Return what is wrong with where results are to go, or None."""
    if _DATASET.fullmatch(name) is None or len(name) > LONGEST:
        return f"dataset {name[:LONGEST]!r} is not a name: write dataset or project.dataset"
    return None


def wrong_with_branch(name: str) -> str | None:
    """Return what is wrong with the name of a branch, or None."""
    if len(name) > LONGEST:
        return _too_long(name)
    if _BRANCH.fullmatch(name) is None:
        return f"{name!r} is not a name: only letters, digits, blanks inside, and _ . : + - can be used"
    return None


def case_twins(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the names that are one column to the warehouse, which ignores case, each with the first of them."""
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.lower(), name)
        if other != name:
            yield name, other


def _wrong_with_column(name: str) -> str | None:
    if wrong := _wrong_with_slug(name):
        return wrong
    if name.lower() in COLUMNS:
        return f"{name!r} is a name that results use themselves: a column of their tables; choose another name"
    if name.lower().startswith(_BIGQUERY):
        return f"{name!r} begins as BigQuery's own columns do; choose another name"
    return None


def _wrong_with_slug(name: str) -> str | None:
    if len(name) > LONGEST:
        return _too_long(name)
    return None if is_slug(name) else NOT_A_SLUG


def _too_long(name: str) -> str:
    return f"is a name of {len(name)} characters, {LONGEST} are allowed"


def _kept(name: str, kept: dict[str, str]) -> str | None:
    why = kept.get(name.lower())
    return f"{name!r} is a name that results use themselves: {why}; choose another name" if why else None
