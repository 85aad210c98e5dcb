"""Names the columns of what is loaded: as the file does, as far as BigQuery takes that."""

import re
import unicodedata
from collections.abc import Sequence

from jetstream_argo.errors import ConfigError, Problem

_LONGEST = 300  # https://cloud.google.com/bigquery/docs/schemas#column_names
_RESERVED = ("_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier")
_OTHERS = re.compile(r"[^A-Za-z0-9_]+")


def column_names(written: Sequence[str], file: str) -> tuple[str, ...]:
    """Return a name for each column that BigQuery takes: letters, digits and underscores, no digit first.

    >>> column_names(["id", " Order ID", "Größe (cm)", "2nd", ""], "orders.csv")
    ('id', 'Order_ID', 'Grosse_cm', '_2nd', 'column_5')

    Raises:
        ConfigError: two columns would have the same name, or a name is reserved or too long.
    """
    names = tuple(_name(text, place) for place, text in enumerate(written, start=1))
    problems = [problem for name in names if (problem := _problem(name)) is not None]
    for name in dict.fromkeys(name.lower() for name in names):
        places = [place for place, other in enumerate(names) if other.lower() == name]
        if len(places) > 1:
            called = " and ".join(f"{written[place]!r} (column {place + 1})" for place in places)
            what = f"{called} would be one column; rename them in the file, or name all columns with --columns"
            problems.append(Problem("", what))
    if problems:
        raise ConfigError(file, problems)
    return names


def _name(written: str, place: int) -> str:
    plain = unicodedata.normalize("NFKD", written.strip().replace("ß", "ss"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    name = _OTHERS.sub("_", plain)
    if name != plain:
        name = name.strip("_") if plain.strip("_") == plain else name
    if not name:
        return f"column_{place}"
    return f"_{name}" if name[0].isdigit() else name


def _problem(name: str) -> Problem | None:
    if len(name) > _LONGEST:
        return Problem("", f"column {name[:40]!r}… has a name of more than {_LONGEST} letters; shorten it")
    if name.lower().startswith(_RESERVED):
        return Problem("", f"column {name!r} has a name that BigQuery keeps for itself; rename it, or use --columns")
    return None
