"""Which tables and columns a SQL text reads."""

from jetstream_argo.dialect.inference.columns import infer_columns, infer_tables
from jetstream_argo.dialect.types import Column


def test_an_unqualified_column_belongs_to_the_table_that_is_not_known() -> None:
    known = {"d.enrollments": [Column("analysis_id", "STRING"), Column("branch", "STRING")]}
    query = """
        SELECT e.analysis_id, branch, SUM(active_hours_sum) AS hours
        FROM d.enrollments AS e LEFT JOIN d.clients AS ds ON ds.client_id = e.analysis_id
        GROUP BY ALL"""

    assert infer_tables(query, known=known) == {"d.clients": {"client_id": "STRING", "active_hours_sum": "FLOAT64"}}


def test_a_column_is_followed_through_stars_to_the_table() -> None:
    query = """
        WITH pings AS (SELECT * EXCEPT (junk), DATE(submission_timestamp) AS submission_date FROM `a-b.d.pings`)
        SELECT COUNTIF(x.crashed AND x.name IN ('a', 'b')), MAX(x.submission_date)
        FROM (SELECT p.* FROM pings AS p WHERE category = 'browser') AS x"""

    assert infer_tables(query) == {
        "a-b.d.pings": {
            "junk": "STRING",
            "submission_timestamp": "TIMESTAMP",
            "category": "STRING",
            "crashed": "BOOL",
            "name": "STRING",
        }
    }


def test_the_constants_that_a_column_is_compared_with_are_kept() -> None:
    query = """
        SELECT COUNTIF(event = 'open' OR LOWER(event) LIKE '%close%'), COUNTIF(n >= 3 AND ratio < 0.5),
          COUNTIF(JSON_VALUE(extra.reason) = 'timeout')
        FROM d.events"""

    columns = infer_columns(query)["d.events"]

    assert (columns["event"].type, columns["event"].values) == ("STRING", ("open", "close"))
    assert (columns["n"].type, columns["n"].values) == ("INT64", (3,))
    assert (columns["ratio"].type, columns["ratio"].values) == ("FLOAT64", (0.5,))
    assert columns["extra"].type == "JSON"
    assert columns["extra"].keys["reason"].values == ("timeout",)


def test_fields_of_an_array_that_one_query_tells_are_those_of_another() -> None:
    joined = "SELECT *, NOT is_system AND addon_id IS NOT NULL AS own FROM d.clients, UNNEST(addons)"
    alone = "SELECT MAX((SELECT COUNT(IF(is_system, NULL, addon_id)) FROM UNNEST(addons))) FROM d.clients"

    assert infer_tables(joined, alone) == {"d.clients": {"addons": "ARRAY<STRUCT<is_system BOOL, addon_id STRING>>"}}


def test_text_in_a_document_that_is_cast_to_a_truth_value_is_one() -> None:
    columns = infer_columns("SELECT COUNTIF(CAST(JSON_VALUE(payload, '$.is_gift') AS BOOL)) FROM d.pings")

    assert columns["d.pings"]["payload"].keys["is_gift"].type == "BOOL"


def test_maps_histograms_and_unnested_structs_are_found_by_how_they_are_read() -> None:
    query = """
        SELECT
          mozfun.map.get_key(ds.experiments, 'slug').branch,
          SUM(mozfun.map.get_key(mozfun.hist.extract(payload.histograms.gc_ms).values, 2)),
          LOGICAL_OR(EXISTS(SELECT 1 FROM UNNEST(active_addons) AS a WHERE a.addon_id = 'x' AND NOT a.disabled)),
          SUM((SELECT SUM(value) FROM UNNEST(scalars) WHERE key = 'k'))
        FROM d.main AS ds GROUP BY 1"""

    columns = infer_columns(query)["d.main"]

    assert {name: guess.type for name, guess in columns.items()} == {
        "experiments": "ARRAY<STRUCT<key STRING, value STRUCT<branch STRING>>>",
        "payload": "STRUCT<histograms STRUCT<gc_ms STRING>>",
        "active_addons": "ARRAY<STRUCT<addon_id STRING, disabled BOOL>>",
        "scalars": "ARRAY<STRUCT<key STRING, value INT64>>",
    }
    assert "histogram" in columns["payload"].fields["histograms"].fields["gc_ms"].keys


def test_queries_add_up_to_one_schema() -> None:
    tables = infer_tables("SELECT SUM(a) FROM d.t", "SELECT LOGICAL_OR(b) FROM d.t WHERE day > DATE '2026-01-01'")

    assert tables == {"d.t": {"a": "INT64", "day": "DATE", "b": "BOOL"}}


def test_every_unique_column_of_a_union_and_a_join_is_found() -> None:
    query = """
        SELECT client_id, n + 1 AS n FROM d.a UNION ALL
        SELECT client_id, m FROM d.b JOIN d.c USING (client_id, submission_date)"""

    tables = infer_tables(query)

    assert tables["d.a"] == {"client_id": "STRING", "n": "INT64"}
    assert tables["d.b"] == {"client_id": "STRING", "submission_date": "DATE", "m": "INT64"}
    assert tables["d.c"] == {"client_id": "STRING", "submission_date": "DATE"}


def test_a_column_named_like_its_table_is_found_by_the_length_of_the_path() -> None:
    tables = infer_tables("SELECT metrics.uuid.id, metrics.day FROM d.metrics")

    assert tables == {"d.metrics": {"metrics": "STRUCT<uuid STRUCT<id STRING>>", "day": "STRING"}}


def test_excepted_columns_and_all_fields_of_an_element_exist() -> None:
    query = (
        "SELECT ds.category, ds.n > 1 FROM (SELECT t.* EXCEPT (junk), e.* FROM d.t AS t, UNNEST(t.events) AS e) AS ds"
    )

    tables = infer_tables(query, known={"d.k": []})

    assert set(tables["d.t"]) == {"junk", "events", "category", "n"}


def test_fields_with_dashes_are_written_in_backticks() -> None:
    assert infer_tables("SELECT JSON_VALUE(st.`a-b`, '$.k') AS v, st.n + 1 FROM d.t AS t") == {
        "d.t": {"st": "STRUCT<`a-b` STRING, n INT64>"}
    }


def test_bits_are_counted_of_a_whole_number() -> None:
    assert infer_tables("SELECT COUNTIF(BIT_COUNT(days) < 14) FROM a.b") == {"a.b": {"days": "INT64"}}


def test_what_is_made_a_date_is_one_by_its_name_or_else_a_moment() -> None:
    found = infer_tables(
        "SELECT DATE(t.submission_date) AS a, DATE(t.submission_timestamp) AS b, DATE(t.seen) AS c FROM d.t AS t"
    )

    types = {"submission_date": "DATE", "submission_timestamp": "TIMESTAMP", "seen": "TIMESTAMP"}
    assert found == {"d.t": types}
