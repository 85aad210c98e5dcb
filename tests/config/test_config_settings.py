"""When an experiment runs and what it compares."""

from collections.abc import Callable
from datetime import date

import pytest

from jetstream_argo.config.conventions.load import Conventions
from jetstream_argo.config.experiment import Branch, LaunchedExperiment
from jetstream_argo.config.files.metric_hub import Definitions
from jetstream_argo.config.layers import merge_specs
from jetstream_argo.config.model import AnalysisUnit
from jetstream_argo.config.resolve.experiment import Resolution, resolve_config
from jetstream_argo.config.schema import ExperimentSpec, Spec
from jetstream_argo.errors import ConfigError, UnknownReference

Resolve = Callable[..., Resolution]


def test_what_the_file_says_comes_before_what_was_launched(resolved: Resolve) -> None:
    own = """
    [experiment]
    start_date = "2026-06-01"
    end_date = "2026-07-01"
    enrollment_period = 14
    reference_branch = "treatment"
    sample_size = 10
    skip = true
    is_private = true
    dataset_id = "secret"
    """

    config = resolved(own, reference_branch="control", end_date=date(2026, 6, 8)).config

    assert (config.start_date, config.end_date) == (date(2026, 6, 1), date(2026, 7, 1))
    assert config.enrollment_days == 14
    assert config.reference_branch == "treatment"
    assert (config.sample_size, config.skip, config.is_private, config.dataset) == (10, True, True, "secret")
    assert config.is_complete


def test_without_a_file_the_launch_counts(resolved: Resolve) -> None:
    config = resolved("", reference_branch="control", branches=(Branch("control", 1), Branch("b", 3))).config

    assert (config.start_date, config.end_date, config.enrollment_days) == (date(2026, 5, 4), None, 7)
    assert (config.branches, config.branch_ratios) == (("control", "b"), (1, 3))
    assert [config.is_complete, config.skip, config.is_private] == [False, False, False]
    assert config.dataset is None


def test_enrollment_lasts_from_the_start_to_its_last_date_both_included(resolved: Resolve) -> None:
    ended = {"enrollment_end_date": date(2026, 5, 10)}

    assert resolved("", **ended).config.enrollment_days == 7
    assert resolved("[experiment]\nstart_date = 2026-05-10", **ended).config.enrollment_days == 1
    assert resolved("[experiment]\nenrollment_period = 3", **ended).config.enrollment_days == 3


@pytest.mark.parametrize(
    ("own", "known", "message"),
    [
        ("", {"start_date": None}, r"experiment\.start_date: is missing: the experiment has not started"),
        ("", {"proposed_enrollment": None}, r"experiment\.enrollment_period: is missing"),
        ("", {"proposed_enrollment": 0}, r"experiment\.enrollment_period: is missing"),
        ("", {"enrollment_end_date": date(2026, 5, 3)}, r"experiment\.enrollment_period: is missing"),
        ("[experiment]\nenrollment_period = 0", {}, "enrollment_period: is 0: should be greater than or equal to 1"),
        ("[experiment]\nis_private = true", {}, r"experiment\.dataset_id: is missing: a private experiment"),
        ("[experiment]\nreference_branch = 'contorl'", {}, "'contorl' is not a branch; did you mean 'control'"),
        ("", {"reference_branch": "x"}, "experimenter:\n  experiment.reference_branch: 'x' is not a branch"),
    ],
)
def test_settings_that_cannot_be_known_are_errors(
    resolved: Resolve, own: str, known: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        resolved(own, **known)


@pytest.mark.parametrize(
    ("as_of", "complete"),
    [(None, False), (date(2026, 6, 7), False), (date(2026, 6, 8), True), (date(2026, 6, 9), True)],
)
def test_an_experiment_is_complete_from_its_end_date_on(
    conventions: Conventions, as_of: date | None, complete: bool
) -> None:
    experiment = LaunchedExperiment(
        slug="exp",
        source="experimenter",
        branches=(Branch("control"),),
        app_name="fenix",
        start_date=date(2026, 5, 4),
        end_date=date(2026, 6, 8),
        proposed_enrollment=7,
    )

    config = resolve_config(experiment, Definitions([]), conventions=conventions, as_of=as_of)

    assert config.is_complete is complete


def test_the_analysis_unit_is_the_files_then_what_was_randomised(resolved: Resolve) -> None:
    desktop = {"app_name": "firefox_desktop", "randomization_unit": "group_id"}

    assert resolved("", **desktop).config.analysis_unit is AnalysisUnit.GROUP
    assert resolved("[experiment]\nanalysis_unit = 'client_id'", **desktop).config.analysis_unit is AnalysisUnit.CLIENT
    assert resolved("", randomization_unit="nimbus_id").config.analysis_unit is AnalysisUnit.CLIENT


def test_an_unknown_randomization_unit_is_an_error(resolved: Resolve) -> None:
    with pytest.raises(UnknownReference, match=r"randomization unit 'gruop_id', .*did you mean 'group_id'"):
        resolved("", randomization_unit="gruop_id")


def test_an_experiment_that_names_no_application_is_of_the_conventions_platform(resolved: Resolve) -> None:
    assert resolved("", app_name=None).config.app_name == "firefox_desktop"


def test_an_override_can_be_laid_over_the_experiments_own_file(conventions: Conventions) -> None:
    # What `--config FILE` does: the caller passes the file's content in place of the experiment's own, or over it.
    own = Spec("own", experiment=ExperimentSpec(enrollment_period=3, sample_size=5))
    override = Spec("override", experiment=ExperimentSpec(enrollment_period=9))
    experiment = LaunchedExperiment("exp", "x", (Branch("control"),), app_name="fenix", start_date=date(2026, 5, 4))

    config = resolve_config(experiment, Definitions([]), merge_specs(own, override), conventions=conventions)

    assert (config.enrollment_days, config.sample_size) == (9, 5)


def test_people_can_read_the_file_where_the_conventions_say(resolved: Resolve) -> None:
    assert resolved("").config.url == "https://github.com/mozilla/metric-hub/blob/main/jetstream/exp.toml"
    assert resolved("[experiment]\nis_private = true\ndataset_id = 'secret'").config.url is None
