"""Guesses the meaning of columns by name and type; a person sees the guesses and may overrule them."""

from collections.abc import Iterable, Sequence

from jetstream_argo.drafting.facts import TableFacts

_BRANCHES = ("branch", "variant", "variation", "arm", "treatment", "group", "version", "bucket", "cohort")
_EXPERIMENTS = ("experiment", "experiment_slug", "experiment_id", "experiment_name", "test", "test_name")
_UNITS = (
    "client_id",
    "user_id",
    "customer_id",
    "userid",
    "clientid",
    "visitor_id",
    "account_id",
    "analysis_id",
    "unit",
)
_REFERENCES = ("control", "old", "baseline", "a", "off", "default", "reference")
_NUMBERS = ("INT64", "FLOAT64", "NUMERIC")
_DATES = ("DATE", "DATETIME", "TIMESTAMP")


def branch_column(facts: TableFacts) -> str | None:
    """Return the column that names the branch."""
    return _named(facts.names("STRING", "INT64", "BOOL"), _BRANCHES)


def experiment_column(facts: TableFacts) -> str | None:
    """Return the column that names the experiment, if the rows of several are in one table."""
    return _named(facts.names("STRING"), _EXPERIMENTS)


def unit_column(facts: TableFacts, *, like: str | None = None) -> str | None:
    """Return the column that names the unit: that of another table, or one of a usual name."""
    names = facts.names("STRING", "INT64")
    if like is not None and like in names:
        return like
    found = _named(names, _UNITS)
    ids = [name for name in names if name.lower().endswith("id")]
    return found or (ids[0] if len(ids) == 1 else None)


def date_column(facts: TableFacts) -> str | None:
    """Return the column that has a row's date: a DATE rather than a moment."""
    for type_ in _DATES:
        names = facts.names(type_)
        if names:
            return names[0]
    return None


def measures(facts: TableFacts, without: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the columns of numbers that are worth adding up, and those that are true or false."""
    left_out = set(without)
    numbers = [
        name for name in facts.names(*_NUMBERS) if name not in left_out and not name.lower().endswith(("id", "_key"))
    ]
    return tuple(numbers), tuple(name for name in facts.names("BOOL") if name not in left_out)


def reference_branch(branches: Sequence[str]) -> str:
    """Return the branch that others are compared with: the one of a usual name, or the first by name.

    >>> reference_branch(["new", "old"]), reference_branch(["gate_40", "gate_30"])
    ('old', 'gate_30')
    """
    return _named(sorted(branches), _REFERENCES) or min(branches)


def _named(names: Sequence[str], usual: Sequence[str]) -> str | None:
    lowered = {name.lower(): name for name in names}
    exact = next((lowered[name] for name in usual if name in lowered), None)
    return exact or next((own for word in usual if len(word) > 1 for low, own in lowered.items() if word in low), None)
