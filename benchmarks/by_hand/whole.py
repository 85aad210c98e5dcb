"""The points of every statistic of the demo by hand: plain SQL of DuckDB over its telemetry, on one thread."""

import time
from pathlib import Path

import duckdb

from benchmarks.by_hand.means import Mean, add_moments
from benchmarks.by_hand.others import add_deciles, add_successes, add_totals
from benchmarks.by_hand.populations import table_with_units

PREENROLLMENT_WEEK, WEEK, DAYS28, OVERALL = "preenrollment_week", "week", "days28", "overall"
_LONG = (WEEK, OVERALL)
_EVERY = ("day", WEEK, DAYS28, OVERALL)
MEANS = (
    Mean("active_hours", "activity", (PREENROLLMENT_WEEK,), is_whole=False),
    Mean("active_hours", "activity", _EVERY, is_adjusted=True, is_whole=False),
    Mean("page_views", "activity", (PREENROLLMENT_WEEK,)),
    Mean("page_views", "activity", _EVERY, is_adjusted=True),
    Mean("days_of_use", "activity", _LONG),
    Mean("synced_share", "activity", _LONG, is_whole=False, is_zero_without_rows=False),
    Mean("search_count", "search", (PREENROLLMENT_WEEK,)),
    Mean("search_count", "search", _EVERY, is_adjusted=True),
    Mean("ad_clicks", "search", _LONG),
    Mean("ads_per_search", "search", _LONG, is_whole=False, is_zero_without_rows=False),
    Mean("sidebar_opens", "interactions", ("day", *_LONG)),
    Mean("sidebar_seconds", "interactions", (OVERALL,), is_whole=False),
    Mean("features_used", "interactions", _LONG),
    Mean("typical_visit_seconds", "interactions", _LONG, is_whole=False, is_zero_without_rows=False),
)
COVARIATES = {
    "active_hours": "",
    "page_views": "ceil",
    "search_count": "ceil",
}  # limits of whole numbers are rounded up

# Of the periods whose windows are longer than a day: the window of a day, and the first and last day.
_WINDOWS = {
    PREENROLLMENT_WEEK: ("1", -7, -1),
    WEEK: ("day // 7 + 1", 0, 27),
    DAYS28: ("1", 0, 27),
    OVERALL: ("1", 0, 27),
}
_PERIODS = {
    "activity": (PREENROLLMENT_WEEK, WEEK, DAYS28, OVERALL),
    "search": (PREENROLLMENT_WEEK, WEEK, DAYS28, OVERALL),
    "interactions": (WEEK, OVERALL),
}
_COVARIATES_OF = {"activity": ("active_hours", "page_views"), "search": ("search_count",), "interactions": ()}


def write_points(telemetry: Path, file: Path) -> dict[str, float]:
    """Compute the points of all statistics from a folder with the demo's tables, and write them as Parquet.

    Returns the processor seconds of values, of units with their exposures and counts, and of statistics.
    """
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET enable_progress_bar = false")
    seconds: dict[str, float] = {}
    steps = (("values", _values), ("units", _units), ("values", _values_of_units), ("statistics", _statistics))
    for kind, step in steps:
        began = time.process_time()
        step(connection, telemetry)
        seconds[kind] = seconds.get(kind, 0.0) + time.process_time() - began
    connection.execute(f"COPY points TO '{file}' (FORMAT parquet)")
    return seconds


def _values(connection: duckdb.DuckDBPyConnection, telemetry: Path) -> None:
    _run(connection, "telemetry", telemetry=telemetry)
    for source, periods in _PERIODS.items():
        for period in periods:
            window, first_day, last_day = _WINDOWS[period]
            _run(connection, source, period=period, window=window, first_day=first_day, last_day=last_day)
    connection.execute("DROP TABLE interactions")


def _units(connection: duckdb.DuckDBPyConnection, _telemetry: Path) -> None:
    _run(connection, "units")


def _values_of_units(connection: duckdb.DuckDBPyConnection, _telemetry: Path) -> None:
    for source, periods in _PERIODS.items():
        for period in ("day", *periods):
            connection.execute(table_with_units(source, period, _COVARIATES_OF[source]))
        connection.execute(f"DROP VIEW {source}_day; DROP TABLE {source}_days")


def _statistics(connection: duckdb.DuckDBPyConnection, _telemetry: Path) -> None:
    for covariate, rounding in COVARIATES.items():
        _run(connection, "covariate", covariate=covariate, rounding=rounding)
    ((most,),) = connection.execute("SELECT count(*) FROM units").fetchall()
    for mean in MEANS:
        for period in mean.periods:
            add_moments(connection, mean, period, most=most)
    add_successes(connection, "default_browser", OVERALL)
    add_successes(connection, "retained", DAYS28)
    for period in _LONG:
        add_totals(connection, period)
    add_deciles(connection, OVERALL)
    _run(connection, "points")


def _run(connection: duckdb.DuckDBPyConnection, name: str, **slots: object) -> None:
    text = Path(__file__).with_name(f"{name}.sql").read_text()
    connection.execute(text.format(**slots) if slots else text)
