"""What is read of an experiment from Experimenter, by file and by URL."""

import json
from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.config.experiment import Branch
from jetstream_argo.config.files.experimenter import load_experiment, load_experiments
from jetstream_argo.errors import EXIT_RETRY, ConfigError, Unavailable
from jetstream_argo.storage.fetch import fetch
from tests.worlds.answers import answering

EXPERIMENT: dict[str, object] = {
    "schemaVersion": "1.12.0",
    "slug": "exp",
    "id": "exp",
    "appName": "fenix",
    "appId": "org.mozilla.firefox",
    "isEnrollmentPaused": True,
    "isRollout": False,
    "bucketConfig": {"randomizationUnit": "nimbus_id", "namespace": "n", "start": 0, "count": 10, "total": 10000},
    "branches": [{"slug": "control", "ratio": 1, "features": []}, {"slug": "treatment", "ratio": 3}],
    "startDate": "2026-05-04",
    "endDate": "2026-06-08T00:00:00.000Z",
    "enrollmentEndDate": None,
    "proposedEnrollment": 7,
    "referenceBranch": "control",
    "outcomes": [{"slug": "search", "priority": "primary"}],
    "segments": [{"slug": "new"}],
}


def _write(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "experiments.json"
    path.write_text(json.dumps(content))
    return path


def test_an_experiment_is_read_and_fields_that_analysis_does_not_need_are_passed_over(tmp_path: Path) -> None:
    experiment = load_experiment(_write(tmp_path, EXPERIMENT))

    assert (experiment.slug, experiment.app_name, experiment.app_id) == ("exp", "fenix", "org.mozilla.firefox")
    assert experiment.branches == (Branch("control", 1), Branch("treatment", 3))
    assert (experiment.start_date, experiment.end_date) == (date(2026, 5, 4), date(2026, 6, 8))
    assert (experiment.enrollment_end_date, experiment.proposed_enrollment) == (None, 7)
    assert (experiment.reference_branch, experiment.randomization_unit) == ("control", "nimbus_id")
    assert (experiment.outcomes, experiment.segments, experiment.is_rollout) == (("search",), ("new",), False)


def test_fields_that_are_null_or_missing_are_not_known(tmp_path: Path) -> None:
    little = {"slug": "exp", "branches": [{"slug": "a"}], "outcomes": None, "bucketConfig": None, "startDate": None}

    experiment = load_experiment(_write(tmp_path, little))

    assert (experiment.start_date, experiment.app_name, experiment.randomization_unit) == (None, None, None)
    assert (experiment.outcomes, experiment.branches) == ((), (Branch("a", 1),))


def test_one_of_a_list_is_chosen_by_its_slug(tmp_path: Path) -> None:
    path = _write(tmp_path, [EXPERIMENT, {**EXPERIMENT, "slug": "other"}])

    assert load_experiment(path, slug="other").slug == "other"
    with pytest.raises(ConfigError, match="holds no experiment 'othr'; did you mean 'other'"):
        load_experiment(path, slug="othr")
    with pytest.raises(ConfigError, match="holds 2 experiments; say which one by its slug"):
        load_experiment(path)
    assert load_experiment(_write(tmp_path, [EXPERIMENT])).slug == "exp"


def test_an_experiment_that_cannot_be_used_does_not_keep_others_from_being_read(tmp_path: Path) -> None:
    path = _write(tmp_path, [{**EXPERIMENT, "slug": "bad", "branches": None}, EXPERIMENT])

    experiments, errors = load_experiments(path)

    assert [experiment.slug for experiment in experiments] == ["exp"]
    assert [error.file for error in errors] == [f"{path} (bad)"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"startDate": "May 4"}, r"startDate: is 'May 4': write a date as YYYY-MM-DD"),
        ({"startDate": 5}, r"startDate: is 5: write a date"),
        ({"branches": [{"ratio": 1}]}, r"branches\.0\.slug: is missing"),
        ({"slug": "../etc"}, r"slug: is '\.\./etc': String should match pattern"),
        ({"proposedEnrollment": "soon"}, r"proposedEnrollment: is 'soon'"),
    ],
)
def test_what_is_wrong_with_an_experiment_is_told_by_field(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_experiment(_write(tmp_path, {**EXPERIMENT, **change}))


@pytest.mark.parametrize(
    ("text", "message"), [("<html>", "is not JSON: Expecting value: line 1"), ("[5]", "is not an experiment or a list")]
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "experiments.json"
    path.write_text(text)

    with pytest.raises(ConfigError, match=message):
        load_experiments(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_experiment(tmp_path / "nowhere.json")


def test_an_experiment_is_read_from_a_url(tmp_path: Path) -> None:
    with answering(lambda _: (200, json.dumps(EXPERIMENT).encode())) as (url, asked):
        experiment = load_experiment(f"{url}/api/v8/experiments/exp/")

    assert experiment.slug == "exp"
    assert experiment.source == f"{url}/api/v8/experiments/exp/ (exp)"
    assert asked == ["/api/v8/experiments/exp/"]


def test_a_server_that_fails_for_a_moment_is_asked_again() -> None:
    with answering(lambda request: (503, b"") if request < 3 else (200, b"[]")) as (url, asked):
        assert fetch(url, tries=3, backoff_seconds=0.0) == b"[]"

    assert len(asked) == 3


def test_a_server_that_goes_on_failing_is_worth_another_try_later() -> None:
    with answering(lambda _: (503, b"")) as (url, asked), pytest.raises(Unavailable) as caught:
        fetch(url, tries=2, backoff_seconds=0.0)

    assert "answers 503 Service Unavailable; tried 2 times" in str(caught.value)
    assert caught.value.exit_code == EXIT_RETRY
    assert len(asked) == 2


def test_a_server_that_refuses_is_not_asked_again() -> None:
    with answering(lambda _: (404, b"")) as (url, asked), pytest.raises(ConfigError) as caught:
        fetch(url)

    assert "answers 404 Not Found; check the address" in str(caught.value)
    assert caught.value.exit_code != EXIT_RETRY
    assert len(asked) == 1


def test_a_server_that_is_not_there_is_worth_another_try_later() -> None:
    with answering(lambda _: (200, b"")) as (url, _):
        pass

    with pytest.raises(Unavailable, match="cannot be reached"):
        fetch(url, tries=2, backoff_seconds=0.0)
