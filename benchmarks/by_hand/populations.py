"""Who counts: the SQL for every basis and segment at once."""

from collections.abc import Sequence

# The conditions that a unit is in a population: on the basis of enrollments, then of exposures, of all units and of
# those of the two segments.
POPULATIONS = (
    "TRUE",
    "heavy_users",
    "on_windows",
    "exposed",
    "exposed AND heavy_users",
    "exposed AND on_windows",
)


def of_each(text: str) -> str:
    """Return the text for every population, with a comma between; `{i}` is its number, `{members}` its condition."""
    return ", ".join(text.format(i=i, members=members) for i, members in enumerate(POPULATIONS))


def structs(**columns: str) -> str:
    """Return the columns and the number of every population, to be unnested."""
    return of_each("{{population: {i}, " + ", ".join(f"{name}: {text}" for name, text in columns.items()) + "}}")


def table_with_units(source: str, period: str, covariates: Sequence[str]) -> str:
    """Return what makes `{source}_{period}_of_units`: values beside their units, and who is in which population."""
    return f"""
CREATE TEMP TABLE {source}_{period}_of_units AS
SELECT
  v.*,
  w.dates,
  u.branch,
  u.heavy_users,
  u.on_windows,
  u.opened_on & w.dates <> 0 AS exposed,
  {"".join(f"u.{covariate} AS x_{covariate}, " for covariate in covariates)}
FROM {source}_{period} AS v
JOIN windows AS w ON w.period = '{period}' AND w.window_index = v.window_index
JOIN units AS u USING (unit)
"""
