"""Whether BigQuery would accept what readers' queries and views are made of; ZetaSQL says."""

from dataclasses import replace

import pytest

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Column
from jetstream_argo.dialect.zetasql.checker import Checker
from jetstream_argo.report.page.enrolled import enrolled_query
from jetstream_argo.report.results import Filters, estimates_query
from jetstream_argo.report.views import StoredMetrics, latest_estimates, unit_values
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Place
from jetstream_argo.sql.slices import WindowSlice
from jetstream_argo.store import entries, estimates_table
from tests.worlds import report as small

PLACE = Place("analysis", "new-tab")
VALUES = names.values(PLACE, Basis.EXPOSURES, "clients", Period.WEEK)
UNIT = {"analysis_id": "STRING", "branch": "STRING", "exposure_date": "DATE", "num_exposure_events": "INT64"}
ENROLLED = {**UNIT, "enrollment_date": "DATE", "num_enrollment_events": "INT64", "loyal": "BOOL"}
STORED = {**UNIT, "batch": "INT64", "window_index": "INT64", "m_hours": "FLOAT64"}
TABLES = {
    names.status(PLACE): entries.COLUMNS,
    names.statistics(PLACE): estimates_table.COLUMNS,
    names.enrollments(PLACE): [Column(name, type_) for name, type_ in ENROLLED.items()],
    VALUES: [Column(name, type_) for name, type_ in STORED.items()],
}


@pytest.fixture(scope="module")
def bigquery() -> Checker:
    """Return what knows the tables that the views read."""
    return Checker(TABLES)


def test_the_view_of_the_estimates_has_the_table_s_columns_and_those_made_of_all_rows(bigquery: Checker):
    columns = bigquery.analyze(latest_estimates(PLACE, [Period.WEEK]))

    assert columns == tuple(
        replace(column, type="STRING") if column.name == "window_index" else column
        for column in (*estimates_table.COLUMNS, *estimates_table.DERIVED)
    )


@pytest.mark.parametrize("signal", [None, small.SIGNAL])
def test_the_view_of_the_units_is_accepted(bigquery: Checker, signal: object):
    stored = [StoredMetrics(VALUES, (WindowSlice((1,), 1, 2, ()),), (small.HOURS,))]
    sql = unit_values(small.plan(signal=signal), Basis.EXPOSURES, Period.WEEK, [small.HOURS, small.ADS], stored)

    columns = bigquery.analyze(sql)

    assert columns[-3:] == (Column("window_index", "STRING"), Column("hours", "FLOAT64"), Column("ads", "INT64"))
    assert Column("exposure_date", "DATE") in columns


def test_the_query_for_who_enrolled_when_is_accepted(bigquery: Checker):
    assert [column.type for column in bigquery.analyze(enrolled_query(PLACE))] == ["DATE", "STRING", "INT64"]


def test_queries_with_every_filter_are_accepted(bigquery: Checker):
    filters = Filters(("m",), (Period.DAY,), (1,), ("all",), ("exposures",), ("mean",), ("none",), ("control",))

    assert len(bigquery.analyze(estimates_query(PLACE, filters))) == len(estimates_table.COLUMNS) + len(
        estimates_table.DERIVED
    )
    assert bigquery.analyze(entries.entries_query(PLACE)) == entries.COLUMNS


def test_metrics_that_are_the_same_thing_under_two_names_are_both_shown(bigquery: Checker):
    time = replace(small.HOURS, name="time")
    stored = [StoredMetrics(VALUES, (WindowSlice((1,), 1, 2, ()),), (small.HOURS, time))]

    columns = bigquery.analyze(unit_values(small.plan(), Basis.EXPOSURES, Period.WEEK, [small.HOURS, time], stored))

    assert columns[-2:] == (Column("hours", "FLOAT64"), Column("time", "FLOAT64"))
