"""Which queries find enrolled and exposed units, and what they find on small rows."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlglot

from jetstream_argo.config.conventions.load import Conventions, load_conventions
from jetstream_argo.config.experiment import Branch, LaunchedExperiment
from jetstream_argo.config.files.metric_hub import Definitions
from jetstream_argo.config.model import ExperimentConfig
from jetstream_argo.config.resolve.experiment import Resolution, resolve
from jetstream_argo.config.schema import ExperimentSpec, Spec
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.dialect.zetasql.checker import Checker
from jetstream_argo.errors import ConfigError, UnknownReference
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write

Resolve = Callable[..., Resolution]
Row = dict[str, Value]

KINDS = ("normandy", "glean-event", "enrollment-status", "fenix-fallback", "cirrus", "background-update")
MAP = "ARRAY<STRUCT<key STRING, value STRING>>"
BRANCHES = "ARRAY<STRUCT<key STRING, value STRUCT<branch STRING>>>"
DESKTOP = {
    "client_id": "STRING",
    "profile_group_id": "STRING",
    "submission_date": "DATE",
    "event_category": "STRING",
    "event_method": "STRING",
    "event_object": "STRING",
    "event_string_value": "STRING",
    "event_map_values": MAP,
    "sample_id": "INT64",
}
STREAM = {
    "client_id": "STRING",
    "submission_timestamp": "TIMESTAMP",
    "event_category": "STRING",
    "event_name": "STRING",
    "event_extra": "JSON",
    "sample_id": "INT64",
    "metrics": "JSON",
}
BASELINE = {
    "client_info": "STRUCT<client_id STRING>",
    "ping_info": f"STRUCT<experiments {BRANCHES}>",
    "submission_timestamp": "TIMESTAMP",
    "sample_id": "INT64",
}
SERVER = {
    "client_info": "STRUCT<app_channel STRING>",
    "submission_timestamp": "TIMESTAMP",
    "events": f"ARRAY<STRUCT<category STRING, name STRING, extra {MAP}>>",
}
UPDATES = {
    "metrics": "STRUCT<uuid STRUCT<background_update_client_id STRING>>",
    "ping_info": f"STRUCT<experiments {BRANCHES}>",
    "submission_timestamp": "TIMESTAMP",
    "sample_id": "INT64",
}
TABLES = {
    "moz-fx-data-shared-prod.telemetry.events": DESKTOP,
    "mozdata.telemetry.events": DESKTOP,
    "moz-fx-data-shared-prod.fenix.events_stream": STREAM,
    "moz-fx-data-shared-prod.firefox_desktop_background_update.events_stream": STREAM,
    "moz-fx-data-shared-prod.fenix.baseline": BASELINE,
    "moz-fx-data-shared-prod.fenix.enrollment": SERVER,
    "moz-fx-data-shared-prod.fenix.events": SERVER,
    "mozdata.firefox_desktop_background_update.background_update": UPDATES,
}
FIRST, LAST = date(2026, 5, 4), date(2026, 5, 11)  # a week after the first date, as the existing system counts


def _config(
    conventions: Conventions, kind: str, *, unit: str = "client_id", sample: int | None = None
) -> ExperimentConfig:
    settings = ExperimentSpec.model_validate(
        {"enrollments_query_type": kind, "analysis_unit": unit, "sample_size": sample}
    )
    experiment = LaunchedExperiment(
        "it's", "x", (Branch("a"), Branch("b")), "fenix", start_date=FIRST, proposed_enrollment=7
    )
    return resolve(experiment, Definitions([]), Spec("own", experiment=settings), conventions=conventions).config


@pytest.fixture
def engine(tmp_path: Path) -> EmbeddedEngine:
    return EmbeddedEngine(tmp_path, project="local")


def _load(engine: EmbeddedEngine, table: str, columns: dict[str, str], rows: Sequence[Row]) -> None:
    given = [Column(name, kind) for name, kind in columns.items()]
    engine.load(table, rows, given, write=Write.TRUNCATE, labels={})


def _enrolled(engine: EmbeddedEngine, config: ExperimentConfig) -> list[tuple[Value, ...]]:
    order = "analysis_id, branch, enrollment_date, num_enrollment_events"
    sql = f"SELECT {order} FROM (\n{config.enrollments_sql}\n) AS found ORDER BY {order}"
    return list(engine.query(Sql(sql), labels={}).rows)


def _exposed(engine: EmbeddedEngine, config: ExperimentConfig) -> list[tuple[Value, ...]]:
    order = "analysis_id, branch, exposure_date, num_exposure_events"
    sql = (
        f"WITH raw_enrollments AS (\n{config.enrollments_sql}\n)\n"
        f"SELECT {order} FROM (\n{config.exposures_sql}\n) AS found ORDER BY {order}"
    )
    return list(engine.query(Sql(sql), labels={}).rows)


@pytest.mark.parametrize("kind", KINDS)
def test_every_query_is_one_statement_of_bigquerys_dialect(conventions: Conventions, kind: str) -> None:
    config = _config(conventions, kind, sample=10)

    for sql in (config.enrollments_sql, config.exposures_sql or ""):
        [statement] = sqlglot.parse(sql, dialect="bigquery")
        assert statement is not None
        assert "{" not in sql.replace("{{", "")
        assert r"it\'s" in sql


def test_bigquery_accepts_every_query_and_its_columns_are_those_asked_for(conventions: Conventions) -> None:
    tables = {name: [Column(*column) for column in columns.items()] for name, columns in TABLES.items()}
    checker = Checker(tables)

    for kind in KINDS:
        config = _config(conventions, kind)
        exposures = f"WITH raw_enrollments AS ({config.enrollments_sql}) SELECT * FROM ({config.exposures_sql})"
        for sql, what in ((config.enrollments_sql, "enrollment"), (exposures, "exposure")):
            assert checker.analyze(sql) == (
                Column("analysis_id", "STRING"),
                Column("branch", "STRING"),
                Column(f"{what}_date", "DATE"),
                Column(f"num_{what}_events", "INT64"),
            )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "cirrus"])
def test_a_sample_is_taken_where_rows_have_a_sample_id(conventions: Conventions, kind: str) -> None:
    assert ".sample_id < 10\n" in _config(conventions, kind, sample=10).enrollments_sql
    assert ".sample_id < 100\n" in _config(conventions, kind).enrollments_sql


def _desktop(client: str | None, day: date, method: str = "enroll", branch: str = "a", **more: Value) -> Row:
    key = "branch" if method == "enroll" else "branchSlug"
    return {
        "client_id": client,
        "profile_group_id": f"group of {client}",
        "submission_date": day,
        "event_category": "normandy",
        "event_method": method,
        "event_string_value": "it's",
        "event_map_values": [{"key": key, "value": branch}],
        "sample_id": 5,
        **more,
    }


def test_normandy_finds_each_unit_and_branch_once_on_its_first_date(
    engine: EmbeddedEngine, conventions: Conventions
) -> None:
    rows = [
        _desktop("u1", date(2026, 5, 6)),
        _desktop("u1", FIRST),
        _desktop("u1", date(2026, 5, 5), branch="b"),
        _desktop("u2", LAST),
        _desktop("too early", date(2026, 5, 3)),
        _desktop("too late", date(2026, 5, 12)),
        _desktop("not sampled", FIRST, sample_id=10),
        _desktop("other experiment", FIRST, event_string_value="its"),
        _desktop("other event", FIRST, event_category="other"),
        _desktop("left", FIRST, method="unenroll"),
        _desktop(None, FIRST),
    ]
    _load(engine, "moz-fx-data-shared-prod.telemetry.events", DESKTOP, rows)

    assert _enrolled(engine, _config(conventions, "normandy", sample=10)) == [
        ("u1", "a", FIRST, 2),
        ("u1", "b", date(2026, 5, 5), 1),
        ("u2", "a", LAST, 1),
    ]


def test_normandy_can_find_groups(engine: EmbeddedEngine, conventions: Conventions) -> None:
    _load(engine, "moz-fx-data-shared-prod.telemetry.events", DESKTOP, [_desktop("u1", FIRST)])

    config = _config(conventions, "normandy", unit="profile_group_id")

    assert _enrolled(engine, config) == [("group of u1", "a", FIRST, 1)]


def test_a_unit_is_exposed_in_its_branch_from_its_enrollment_to_the_last_enrollment_date(
    engine: EmbeddedEngine, conventions: Conventions
) -> None:
    rows = [
        _desktop("before", date(2026, 5, 6)),
        _desktop("before", date(2026, 5, 5), "expose"),
        _desktop("first", date(2026, 5, 6)),
        _desktop("first", date(2026, 5, 6), "expose"),
        _desktop("first", date(2026, 5, 7), "exposure"),
        _desktop("last", FIRST),
        _desktop("last", LAST, "exposure"),
        _desktop("after", FIRST),
        _desktop("after", date(2026, 5, 12), "exposure"),
        _desktop("other branch", FIRST),
        _desktop("other branch", FIRST, "exposure", branch="b"),
        _desktop("never", FIRST),
        _desktop("not enrolled", FIRST, "exposure"),
    ]
    _load(engine, "moz-fx-data-shared-prod.telemetry.events", DESKTOP, rows)

    assert _exposed(engine, _config(conventions, "normandy")) == [
        ("first", "a", date(2026, 5, 6), 2),
        ("last", "a", LAST, 1),
    ]


def _at(day: date, hour: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def _glean(client: str | None, day: date, name: str = "enrollment", extra: str | None = None, **more: Value) -> Row:
    return {
        "client_id": client,
        "submission_timestamp": _at(day, 23),
        "event_category": "nimbus_events",
        "event_name": name,
        "event_extra": extra or '{"experiment": "it\'s", "branch": "a"}',
        "sample_id": 5,
        **more,
    }


def test_glean_events_find_units_and_exposures(engine: EmbeddedEngine, conventions: Conventions) -> None:
    rows = [
        _glean("u1", date(2026, 5, 6)),
        _glean("u1", date(2026, 5, 5)),
        _glean("u1", FIRST, "expose"),
        _glean("u1", date(2026, 5, 5), "exposure"),
        _glean("u2", LAST),
        _glean("u3", date(2026, 5, 3)),
        _glean("u4", date(2026, 5, 12)),
        _glean("u5", FIRST, extra='{"experiment": "other", "branch": "a"}'),
        _glean("u6", FIRST, sample_id=50),
        _glean(None, FIRST),
    ]
    _load(engine, "moz-fx-data-shared-prod.fenix.events_stream", STREAM, rows)
    config = _config(conventions, "glean-event", sample=50)

    assert _enrolled(engine, config) == [("u1", "a", date(2026, 5, 5), 2), ("u2", "a", LAST, 1)]
    assert _exposed(engine, config) == [("u1", "a", date(2026, 5, 5), 1)]


def test_an_enrollment_status_counts_where_the_unit_qualified_and_is_enrolled(
    engine: EmbeddedEngine, conventions: Conventions
) -> None:
    def extra(status: str, reason: str) -> str:
        return f'{{"slug": "it\'s", "branch": "b", "status": "{status}", "reason": "{reason}"}}'

    rows = [
        _glean("u1", date(2026, 5, 6), "enrollment_status", extra("Enrolled", "Qualified")),
        _glean("u2", date(2026, 5, 6), "enrollment_status", extra("Enrolled", "OptIn")),
        _glean("u3", date(2026, 5, 6), "enrollment_status", extra("WasEnrolled", "Qualified")),
        _glean("u4", date(2026, 5, 6)),
    ]
    _load(engine, "moz-fx-data-shared-prod.fenix.events_stream", STREAM, rows)

    assert _enrolled(engine, _config(conventions, "enrollment-status")) == [("u1", "b", date(2026, 5, 6), 1)]


def test_the_fenix_fallback_leaves_out_units_that_carried_the_experiment_before(
    engine: EmbeddedEngine, conventions: Conventions
) -> None:
    def ping(client: str, day: date, slug: str = "it's") -> Row:
        return {
            "client_info": {"client_id": client},
            "ping_info": {"experiments": [{"key": slug, "value": {"branch": "a"}}]},
            "submission_timestamp": _at(day),
            "sample_id": 5,
        }

    rows = [
        ping("new", FIRST),
        ping("new", LAST),
        ping("enrolled before", date(2026, 4, 27)),
        ping("enrolled before", FIRST),
        ping("long before", date(2026, 4, 26)),
        ping("long before", date(2026, 5, 5)),
        ping("other", FIRST, "other"),
    ]
    _load(engine, "moz-fx-data-shared-prod.fenix.baseline", BASELINE, rows)

    assert _enrolled(engine, _config(conventions, "fenix-fallback")) == [
        ("long before", "a", date(2026, 5, 5), 1),
        ("new", "a", FIRST, 2),
    ]


def test_cirrus_finds_users_in_the_events_of_enrollment_pings(engine: EmbeddedEngine, conventions: Conventions) -> None:
    def ping(user: str | None, day: date, name: str = "enrollment", channel: str = "production") -> Row:
        extra = {"nimbus_user_id": user, "experiment": "it's", "branch": "b"}
        pairs = [{"key": key, "value": value} for key, value in extra.items() if value is not None]
        return {
            "client_info": {"app_channel": channel},
            "submission_timestamp": _at(day),
            "events": [{"category": "cirrus_events", "name": name, "extra": pairs}],
        }

    rows = [ping("u1", LAST), ping("u1", FIRST), ping("u2", FIRST, channel="staging"), ping(None, FIRST)]
    exposures = [ping("u1", FIRST, "exposure"), ping("u1", LAST, "expose"), ping("u3", FIRST, "exposure")]
    _load(engine, "moz-fx-data-shared-prod.fenix.enrollment", SERVER, rows)
    _load(engine, "moz-fx-data-shared-prod.fenix.events", SERVER, exposures)
    config = _config(conventions, "cirrus")

    assert _enrolled(engine, config) == [("u1", "b", FIRST, 2)]
    assert _exposed(engine, config) == [("u1", "b", FIRST, 2)]


def test_a_background_update_takes_the_earliest_of_three_signs(
    engine: EmbeddedEngine, conventions: Conventions
) -> None:
    def sent(client: str, day: date) -> Row:
        return _glean(None, day, metrics=f'{{"uuid": {{"background_update_client_id": "{client}"}}}}')

    def ping(client: str, day: date) -> Row:
        return {
            "metrics": {"uuid": {"background_update_client_id": client}},
            "ping_info": {"experiments": [{"key": "it's", "value": {"branch": "b"}}]},
            "submission_timestamp": _at(day),
            "sample_id": 5,
        }

    def clicked(client: str, day: date) -> Row:
        return {
            **_desktop(client, day),
            "event_category": "browser.launched_to_handle",
            "event_method": "system_notification",
            "event_object": "toast",
            "event_map_values": [{"key": "name", "value": "it's:c"}],
        }

    dataset = "firefox_desktop_background_update"
    _load(engine, f"moz-fx-data-shared-prod.{dataset}.events_stream", STREAM, [sent("u1", date(2026, 5, 6))])
    _load(engine, f"mozdata.{dataset}.background_update", UPDATES, [ping("u1", date(2026, 5, 5)), ping("u2", LAST)])
    _load(engine, "mozdata.telemetry.events", DESKTOP, [clicked("u2", FIRST), clicked("u3", FIRST)])

    assert _enrolled(engine, _config(conventions, "background-update")) == [
        ("u1", "b", date(2026, 5, 5), 1),
        ("u2", "c", FIRST, 1),
        ("u3", "c", FIRST, 1),
    ]


def test_the_platform_says_how_enrollments_are_recorded_unless_the_file_does(resolved: Resolve) -> None:
    assert resolved("", app_name="firefox_desktop").config.enrollment_kind == "normandy"
    assert resolved("", app_name="fenix").config.enrollment_kind == "glean-event"
    own = "[experiment]\nenrollments_query_type = 'fenix-fallback'"
    assert resolved(own).config.enrollment_kind == "fenix-fallback"


def test_an_applications_own_dataset_is_the_launched_ones(resolved: Resolve) -> None:
    assert "`moz-fx-data-shared-prod.org_mozilla_firefox.events_stream`" in (
        resolved("", app_id="org.mozilla.firefox").config.enrollments_sql
    )


def test_a_files_own_query_is_used_and_its_columns_are_named(resolved: Resolve, engine: EmbeddedEngine) -> None:
    own = """
    [experiment]
    enrollment_query = '''
    SELECT user.client_id, user.branch, MIN(user.day) AS enrollment_date -- analysis_id is missing
    FROM d.assignments AS user
    WHERE user.experiment = '{{experiment.slug}}' AND user.day <= '{{experiment.last_enrollment_date_str}}'
    GROUP BY client_id, branch;
    '''
    exposure_query = "SELECT analysis_id, branch, enrollment_date AS exposure_date FROM raw_enrollments"
    """
    columns = {"client_id": "STRING", "branch": "STRING", "day": "DATE", "experiment": "STRING"}
    rows: list[Row] = [{"client_id": "u1", "branch": "a", "day": day, "experiment": "exp"} for day in (LAST, FIRST)]
    _load(engine, "d.assignments", columns, rows)

    config = resolved(own).config

    assert config.enrollment_kind == "custom"
    assert _enrolled(engine, config) == [("u1", "a", FIRST, 1)]
    assert _exposed(engine, config) == [("u1", "a", FIRST, 1)]


def test_columns_that_a_query_has_already_are_kept(resolved: Resolve) -> None:
    own = "[experiment]\nenrollment_query = 'SELECT client_id, analysis_id, branch, num_enrollment_events FROM t'"

    sql = resolved(own).config.enrollments_sql

    assert sql.startswith(
        "SELECT\n  given.analysis_id,\n  given.branch,\n  given.enrollment_date,\n  given.num_enrollment_events\nFROM"
    )


def test_an_unknown_application_needs_a_query_of_its_own(resolved: Resolve) -> None:
    with pytest.raises(ConfigError, match=r"enrollment_query: is missing, and no convention says how 'shop' records"):
        resolved("", app_name="shop")

    config = resolved("[experiment]\nenrollment_query = 'SELECT * FROM t'", app_name="shop").config

    assert config.enrollment_kind == "custom"
    assert config.exposures_sql is None


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ("enrollments_query_type = 'normady'", "enrollment kind 'normady', .*did you mean 'normandy'"),
        (
            "analysis_unit = 'profile_group_id'",
            "analysis_unit: is 'profile_group_id', and .*'glean-event' are of client_id",
        ),
        ("enrollment_query = '{{experiment.enrollment_query}}'", "enrollment_query: .*has no attribute"),
        ("enrollment_query = '{{experiment.end_date_str}}'", "enrollment_query: asks for the end date"),
    ],
)
def test_enrollments_that_cannot_be_found_are_an_error(resolved: Resolve, own: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        resolved(f"[experiment]\n{own}")


def test_a_sample_of_a_query_of_ones_own_is_warned_of(resolved: Resolve) -> None:
    [warning] = resolved("[experiment]\nsample_size = 10\nenrollment_query = 'SELECT * FROM t'").warnings

    assert "sample in the query" in warning.problem.what


def test_a_query_of_another_unit_is_warned_of(resolved: Resolve) -> None:
    query = "SELECT profile_group_id AS analysis_id FROM t"

    [warning] = resolved(f"[experiment]\nenrollment_query = '{query}'").warnings

    assert warning.problem.what == "speaks of 'profile_group_id', and the analysis unit is 'client_id'"


def test_ones_own_conventions_override_and_extend_the_packaged_ones(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        """
        [columns]
        client_id = "user_id"
        [enrollment_kinds.assignments]
        enrollments = "assignments.sql"
        [platforms.shop]
        enrollments = "assignments"
        [platforms.fenix]
        app_id = "org.mozilla.fenix"
        """
    )
    (tmp_path / "assignments.sql").write_text(
        "SELECT {{ unit | ident }} AS analysis_id FROM shop.assignments WHERE x = {{ slug | literal }}"
    )

    conventions = load_conventions([tmp_path / "mine.toml"])

    experiment = LaunchedExperiment("exp", "x", (Branch("a"),), "shop", start_date=FIRST, proposed_enrollment=7)
    config = resolve(experiment, Definitions([]), conventions=conventions).config
    assert config.enrollments_sql == "SELECT `user_id` AS analysis_id FROM shop.assignments WHERE x = 'exp'"
    assert config.exposures_sql is None
    assert conventions.platforms["fenix"].enrollments == "glean-event"
    assert conventions.platforms["fenix"].app_id == "org.mozilla.fenix"
    assert conventions.columns.submission_date == "submission_date"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[platforms.shop]\nenrollments = 'normady'", r"platforms\.shop\.enrollments: 'normady' .*mean 'normandy'"),
        ("[enrollment_kinds.x]\nenrollments = 'x.sql'", r"enrollment_kinds\.x\.enrollments: names a query in 'x\.sql'"),
        ("[experiments_column_types]\ndefault = 'smiple'", r"'smiple' has no branch expression; did you mean 'simple'"),
        ("[platforms.shop]\nenrollment = 'normandy'", r"platforms\.shop\.enrollment: is not a known key"),
        ("default_dataset = 5", "default_dataset: is 5: should be a valid string"),
    ],
)
def test_conventions_that_cannot_be_used_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.toml").write_text(text)

    with pytest.raises(ConfigError, match=rf"(?s)mine\.toml.*{message}"):
        load_conventions([tmp_path / "mine.toml"])


def test_unknown_reference_is_what_an_unknown_kind_raises(resolved: Resolve) -> None:
    with pytest.raises(UnknownReference) as caught:
        resolved("[experiment]\nenrollments_query_type = 'x'")

    assert (caught.value.kind, caught.value.name) == ("enrollment kind", "x")
