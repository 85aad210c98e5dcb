"""Which units a file leaves out of all results, and what it cannot leave out."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.config.conventions.load import load_conventions
from jetstream_argo.config.exclusions import ExclusionRules, SeveralBranches
from jetstream_argo.config.files.experiment_file import load_experiment_file
from jetstream_argo.config.files.metric_hub import Definitions
from jetstream_argo.config.layers import merge_specs
from jetstream_argo.config.model import ExperimentConfig
from jetstream_argo.config.resolve.experiment import resolve_config
from jetstream_argo.errors import ConfigError
from jetstream_argo.plan import codec
from jetstream_argo.plan.build import resolve

EXPERIMENT = """
[experiment]
slug = "try-it"
branches = ["control", "treatment"]
start_date = 2026-05-04
enrollment_period = 7
enrollment_query = "SELECT user_id AS analysis_id, branch, day AS enrollment_date FROM shop.assignments"
"""
REST = """
[metrics]
weekly = ["visits"]
[metrics.visits]
data_source = "visits"
select_expression = "COUNT(*)"
[metrics.visits.statistics.sum]
[data_sources.visits]
from_expression = "shop.visits AS v"
client_id_column = "user_id"
submission_date_column = "day"
experiments_column_type = "none"
[segments.staff]
data_source = "staff"
select_expression = "LOGICAL_OR(works_here)"
[segments.data_sources.staff]
from_expression = "shop.staff"
window_start = -1
window_end = -1
[segments.late]
data_source = "first_day"
select_expression = "TRUE"
[segments.data_sources.first_day]
from_expression = "shop.staff"
"""


def resolved(folder: Path, exclude: str) -> ExperimentConfig:
    file = folder / "try-it.toml"
    file.write_text(EXPERIMENT + exclude + REST)
    read = load_experiment_file(file)
    return resolve_config(read.experiment, Definitions([]), read.spec, conventions=load_conventions())


def test_nobody_is_excluded_and_nothing_written_of_it_where_no_file_says_so(tmp_path: Path) -> None:
    config = resolved(tmp_path, "")

    assert config.exclusions == ExclusionRules()
    plan = resolve(config, as_of=date(2026, 5, 20), dataset="results")
    assert b"exclusions" not in codec.dump(plan)
    assert codec.load(codec.dump(plan)) == plan


def test_every_kind_of_exclusion_comes_to_a_condition_or_rows(tmp_path: Path) -> None:
    config = resolved(
        tmp_path,
        """
[experiment.exclude]
several_branches = "first"
several_branches_alarm = 0.05
[experiment.exclude.twice]
condition = "e.num_enrollment_events > 1"
[experiment.exclude.bots]
data_source = "visits"
select_expression = "LOGICAL_OR(v.is_bot)"
[experiment.exclude.staff]
segment = "staff"
""",
    )

    found = config.exclusions
    assert (found.several_branches, found.several_alarm) == (SeveralBranches.FIRST, 0.05)
    twice, bots, staff = found.named
    assert (twice.condition, twice.data_source) == ("e.num_enrollment_events > 1", "")
    assert (bots.select_expression, bots.data_source) == ("LOGICAL_OR(ds.is_bot)", "excluded as bots")
    assert (staff.select_expression, staff.data_source) == ("LOGICAL_OR(works_here)", "staff")
    rows = {source.name: source for source in config.segment_data_sources}
    of_bots = rows["excluded as bots"]
    assert (of_bots.window_start, of_bots.window_end, of_bots.id_column) == (-28, -1, "user_id")
    assert of_bots.from_expression == "shop.visits"
    assert config.segments == ()
    plan = resolve(config, as_of=date(2026, 5, 20), dataset="results")
    assert codec.load(codec.dump(plan)) == plan
    assert [segment.name for segment, _ in plan.enrollments.memberships] == ["bots", "staff"]


def test_a_segment_that_excludes_is_read_once_where_it_is_asked_for_too(tmp_path: Path) -> None:
    config = resolved(tmp_path, 'segments = ["staff"]\n[experiment.exclude.staff]\nsegment = "staff"\n')

    plan = resolve(config, as_of=date(2026, 5, 20), dataset="results")

    assert [source.name for source in plan.enrollments.segment_sources] == ["staff"]
    assert len(plan.enrollments.memberships) == 1


def test_exclusions_of_defaults_stay_beside_those_of_the_experiment(tmp_path: Path) -> None:
    resolved(tmp_path, "[experiment.exclude.a]\ncondition = 'e.num_enrollment_events > 1'\n")
    read = load_experiment_file(tmp_path / "try-it.toml").spec
    exclude = read.experiment.exclude
    assert exclude is not None
    named = {"b": (exclude.named or {})["a"]}
    drop = exclude.model_copy(update={"named": named, "several_branches": SeveralBranches.DROP})
    base = replace(read, experiment=read.experiment.model_copy(update={"exclude": drop}))

    merged = merge_specs(base, read).experiment.exclude

    assert merged is not None
    assert list(merged.named or {}) == ["b", "a"]
    assert merged.several_branches is SeveralBranches.DROP


@pytest.mark.parametrize(
    ("exclude", "message"),
    [
        ("[experiment.exclude.x]\n", "must have one of condition, data_source and segment, has none of them"),
        (
            "[experiment.exclude.x]\ncondition = 'TRUE'\nsegment = 'staff'\n",
            "must have one of condition, data_source and segment, has condition and segment",
        ),
        ("[experiment.exclude.x]\ncondition = 'TRUE'\nwindow_end = -1\n", "window_start and window_end belong to"),
        ("[experiment.exclude.x]\ncondition = \"e.branch = 'a'\"\n", "who counts must not depend on the branch"),
        ("[experiment.exclude.x]\ncondition = 'e.events > 1'\n", "'e.events', which is not defined"),
        ("[experiment.exclude.x]\nsegment = 'stuff'\n", "did you mean 'staff'"),
        ("[experiment.exclude.x]\nsegment = 'late'\n", "looks at days 0 to 0 since enrollment"),
        (
            "[experiment.exclude.x]\ndata_source = 'visits'\nselect_expression = 'TRUE'\nwindow_end = 3\n",
            "looks at days -28 to 3 since enrollment",
        ),
        (
            "[experiment.exclude.x]\ndata_source = 'visits'\nselect_expression = 'MAX(e.branch) = \"a\"'\n",
            "who counts must not depend on the branch",
        ),
        (
            "[experiment.exclude.x]\ndata_source = 'visit'\nselect_expression = 'TRUE'\n",
            "did you mean 'visits'",
        ),
        (
            "[experiment.exclude.x]\ndata_source = 'visits'\nselect_expression = 'TRUE'\nwindow_start = 0\n",
            "window_start 0 is after window_end -1",
        ),
        ("[experiment.exclude]\nseveral_branches = 'frist'\n", "experiment.exclude.several_branches"),
        ("[experiment.exclude]\nseveral_branch = 'drop'\n", "did you mean 'several_branches'"),
        ("[experiment.exclude.'a b']\ncondition = 'TRUE'\n", "experiment.exclude.a b"),
    ],
)
def test_what_cannot_exclude_units_is_refused(tmp_path: Path, exclude: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolved(tmp_path, exclude)

    assert message in str(caught.value)


def test_days_after_enrollment_exclude_if_the_file_says_that_it_knows(tmp_path: Path) -> None:
    config = resolved(tmp_path, "[experiment.exclude.late]\nsegment = 'late'\npost_treatment = true\n")

    assert [exclusion.post_treatment for exclusion in config.exclusions.named] == [True]
