"""How layers of configuration are merged."""

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jetstream_argo.config.files.reading import TableReader
from jetstream_argo.config.layers import merge_specs, put_outcome_under
from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.config.schema import MetricSpec, OutcomeSpec, Spec
from jetstream_argo.storage.toml_file import read_toml


def _spec(tmp_path: Path, name: str, text: str) -> Spec:
    path = tmp_path / f"{name}.toml"
    path.write_text(text)
    reader = TableReader(name)
    spec = reader.spec(read_toml(path))
    reader.finish()
    return spec


def _names(spec: Spec, period: Period) -> list[str]:
    return [reference.name for reference in spec.periods.get(period, ())]


def test_the_later_layer_fills_the_fields_that_it_has(tmp_path: Path) -> None:
    base = _spec(
        tmp_path,
        "base",
        "[metrics.a]\nselect_expression = 'SUM(x)'\ndata_source = 's'\nfriendly_name = 'A'\n"
        "[metrics.a.statistics.mean]",
    )
    other = _spec(tmp_path, "other", "[metrics.a]\nfriendly_name = 'B'\ndescription = ''\n[metrics.a.statistics.sum]")

    metric = merge_specs(base, other).metrics["a"]

    assert metric.select_expression == "SUM(x)"
    assert metric.friendly_name == "B"
    assert metric.statistics == {"sum": {}}
    assert metric.file == "other"


def test_no_layer_is_changed_by_merging(tmp_path: Path) -> None:
    base = _spec(tmp_path, "base", "[metrics]\nweekly = ['a']\n[metrics.a]\nfriendly_name = 'A'")
    other = _spec(tmp_path, "other", "[metrics]\nweekly = ['b']\n[metrics.a]\nfriendly_name = 'B'")

    merge_specs(base, other)

    assert base.metrics["a"].friendly_name == "A"
    assert _names(base, Period.WEEK) == ["a"]


def test_false_in_a_later_layer_counts_and_silence_does_not(tmp_path: Path) -> None:
    worse = _spec(tmp_path, "worse", "[metrics.a]\nbigger_is_better = false")
    better = _spec(tmp_path, "better", "[metrics.a]\nbigger_is_better = true")
    silent = _spec(tmp_path, "silent", "[metrics.a]\nfriendly_name = 'A'")

    assert merge_specs(better, worse).metrics["a"].bigger_is_better is False
    assert merge_specs(worse, silent).metrics["a"].bigger_is_better is False


def test_period_lists_of_the_later_layer_come_first(tmp_path: Path) -> None:
    base = _spec(tmp_path, "base", "[metrics]\nweekly = ['a', 'b']\ndaily = ['a']")
    other = _spec(tmp_path, "other", "[metrics]\nweekly = ['c']\noverall = ['d']")

    merged = merge_specs(base, other)

    assert _names(merged, Period.WEEK) == ["c", "a", "b"]
    assert _names(merged, Period.DAY) == ["a"]
    assert _names(merged, Period.OVERALL) == ["d"]


def test_a_name_with_wildcards_applies_to_every_name_that_it_matches(tmp_path: Path) -> None:
    base = _spec(tmp_path, "base", "[metrics.search_a]\n[metrics.search_b]\n[metrics.other]")
    other = _spec(tmp_path, "other", "[metrics.'search_*']\nanalysis_bases = ['exposures']")

    merged = merge_specs(base, other)

    assert {name: metric.analysis_bases for name, metric in merged.metrics.items()} == {
        "search_a": (Basis.EXPOSURES,),
        "search_b": (Basis.EXPOSURES,),
        "other": None,
    }
    assert merged.warnings == ()


def test_a_wildcard_that_matches_nothing_is_ignored_with_a_warning(tmp_path: Path) -> None:
    base = _spec(tmp_path, "base", "[metrics.other]")
    other = _spec(tmp_path, "other", "[metrics.'serach_*']\n[data_sources.'x?y']\nfrom_expression = 't'")

    merged = merge_specs(base, other)

    assert list(merged.metrics) == ["other"]
    assert not merged.data_sources
    assert [str(warning) for warning in merged.warnings] == [
        "other: metrics.serach_*: matches no name and is ignored",
        "other: data_sources.x?y: matches no name and is ignored",
    ]


def test_joins_are_replaced_and_data_sources_merged_field_by_field(tmp_path: Path) -> None:
    base = _spec(tmp_path, "base", "[data_sources.s]\nfrom_expression = 't'\n[data_sources.s.joins.a]")
    other = _spec(tmp_path, "other", "[data_sources.s]\nclient_id_column = 'id'\n[data_sources.s.joins.b]")

    source = merge_specs(base, other).data_sources["s"]

    assert source.from_expression == "t"
    assert source.client_id_column == "id"
    assert list(source.joins or {}) == ["b"]


def test_a_segment_is_replaced_as_a_whole(tmp_path: Path) -> None:
    text = "[segments.a]\ndata_source = 's'\nselect_expression = '{}'\n{}"
    base = _spec(tmp_path, "base", text.format("TRUE", "description = 'x'"))
    other = _spec(tmp_path, "other", text.format("FALSE", ""))

    assert merge_specs(base, other).segments["a"].description is None


def _outcome(tmp_path: Path, text: str) -> OutcomeSpec:
    path = tmp_path / "outcome.toml"
    path.write_text("friendly_name = 'O'\ndescription = 'D'\n" + text)
    return TableReader("outcome").outcome(read_toml(path), slug="outcome")


def test_an_outcome_without_periods_has_all_its_metrics_weekly_and_overall(tmp_path: Path) -> None:
    own = _spec(tmp_path, "own", "[metrics]\nweekly = ['mine']\ndaily = ['mine']")

    merged = put_outcome_under(own, _outcome(tmp_path, "[metrics.a]\n[metrics.b]"))

    assert _names(merged, Period.WEEK) == ["mine", "a", "b"]
    assert _names(merged, Period.OVERALL) == ["a", "b"]
    assert _names(merged, Period.DAY) == ["mine"]


def test_an_outcome_with_periods_has_its_metrics_in_these_only(tmp_path: Path) -> None:
    own = _spec(tmp_path, "own", "")

    merged = put_outcome_under(own, _outcome(tmp_path, "daily = ['a']\n[metrics.a]\n[metrics.b]"))

    assert _names(merged, Period.DAY) == ["a"]
    assert _names(merged, Period.WEEK) == _names(merged, Period.OVERALL) == []


def test_the_experiment_has_the_last_word_over_an_outcome(tmp_path: Path) -> None:
    own = _spec(tmp_path, "own", "[metrics.a]\nfriendly_name = 'Mine'\n[data_sources.s]\nfrom_expression = 'mine'")
    outcome = _outcome(
        tmp_path,
        "[metrics.a]\nfriendly_name = 'Theirs'\nselect_expression = 'x'\n[data_sources.s]\nfrom_expression = 't'",
    )

    merged = put_outcome_under(own, outcome)

    assert merged.metrics["a"].friendly_name == "Mine"
    assert merged.metrics["a"].select_expression == "x"
    assert merged.data_sources["s"].from_expression == "mine"


_FIELDS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "friendly_name": st.none() | st.text("ab"),
        "bigger_is_better": st.none() | st.booleans(),
        "statistics": st.none() | st.dictionaries(st.sampled_from(["mean", "sum"]), st.just({})),
    }
)
_SPECS = st.dictionaries(st.sampled_from(["a", "b", "c"]), _FIELDS.map(lambda fields: MetricSpec(**fields))).map(
    lambda metrics: Spec(file="f", metrics=metrics)
)


@given(_SPECS, _SPECS, _SPECS)
def test_it_does_not_matter_which_of_three_layers_are_merged_first(a: Spec, b: Spec, c: Spec) -> None:
    assert merge_specs(merge_specs(a, b), c).metrics == merge_specs(a, merge_specs(b, c)).metrics
