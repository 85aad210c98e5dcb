from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jetstream_argo.argo.cluster.submit import Submitted, submit
from jetstream_argo.argo.due.candidates import Candidate, CandidateResult, CandidateState, Passed, candidates, is_live
from jetstream_argo.argo.due.experiments import submit_due
from jetstream_argo.argo.due.isolation import Died
from jetstream_argo.argo.due.planning import Made
from jetstream_argo.argo.manifest.deployment import Deployment
from jetstream_argo.argo.manifest.emit import emit
from jetstream_argo.config.experiment import Branch, LaunchedExperiment
from jetstream_argo.errors import ConfigError, Transient

SOURCES = {"clients": ["active_hours"], "search": ["ads"]}
DEPLOYMENT = Deployment("image@sha256:0", "bigquery:project")
AS_OF = date(2026, 11, 23)


def test_one_experiment_that_cannot_be_planned_is_reported_and_stops_no_other(server, api, make_plan):
    results: list[CandidateResult] = []
    planned: list[tuple[str, Any]] = [
        ("apple", _made(make_plan, "apple")),
        ("broken", CandidateResult("broken", CandidateState.FAILED, "broken: metrics.x: no such column", 2)),
        ("early", CandidateResult("early", CandidateState.NOT_DUE, "early: nothing is due")),
        ("ended", Passed.NOT_LIVE),
        ("endless", Died("was not planned within 120 seconds")),
        ("zebra", _made(make_plan, "zebra")),
    ]

    report = submit_due(
        [(_candidate(slug), outcome) for slug, outcome in planned],
        submit=lambda plan: submit(emit(plan, DEPLOYMENT), api),
        tell=results.append,
        before=[CandidateResult("unreadable.json", CandidateState.FAILED, "is not JSON", 2)],
    )

    assert [(entry.slug, entry.state) for entry in report.entries] == [
        ("unreadable.json", CandidateState.FAILED),
        ("apple", CandidateState.SUBMITTED),
        ("broken", CandidateState.FAILED),
        ("early", CandidateState.NOT_DUE),
        ("endless", CandidateState.FAILED),
        ("zebra", CandidateState.SUBMITTED),
    ]
    assert results == list(report.entries)
    assert report.exit_code == 2
    assert report.line.startswith(
        "2 submitted, 0 exists already, 1 not due, 3 failed: unreadable.json (is not JSON), broken ("
    )
    assert all(entry.line in report.line for entry in report.entries if entry.state is CandidateState.FAILED)
    assert len(server.names("workflows")) == 2


def test_a_planner_that_runs_again_finds_its_workflows_there(api, make_plan):
    def once():
        made = [(_candidate("new-tab"), _made(make_plan, "new-tab"))]
        return submit_due(made, submit=lambda plan: submit(emit(plan, DEPLOYMENT), api), tell=lambda _: None)

    assert [entry.state for entry in once().entries] == [CandidateState.SUBMITTED]
    assert [entry.state for entry in once().entries] == [CandidateState.EXISTS]
    assert once().exit_code == 0


def test_a_passing_failure_makes_the_planner_worth_a_retry(make_plan):
    def refuse(plan):
        raise Transient("the cluster is away")

    made = [
        (_candidate("a"), CandidateResult("a", CandidateState.FAILED, "wrong", 2)),
        (_candidate("b"), _made(make_plan, "b")),
    ]

    assert submit_due(made, submit=refuse, tell=lambda _: None).exit_code == 75


def test_whatever_happens_while_one_workflow_is_created_is_its_own(make_plan):
    def fail(plan):
        if plan.experiment.slug == "a":
            raise ZeroDivisionError
        return Submitted("b", is_new=True)

    made = [(_candidate(slug), _made(make_plan, slug)) for slug in ("a", "b")]

    report = submit_due(made, submit=fail, tell=lambda _: None)

    assert [entry.state for entry in report.entries] == [CandidateState.FAILED, CandidateState.SUBMITTED]
    assert "ZeroDivisionError" in report.entries[0].line
    assert report.exit_code == 1


@pytest.mark.parametrize(
    ("start", "end", "live"),
    [
        (date(2026, 11, 23), None, True),
        (date(2026, 11, 24), None, False),
        (None, None, False),
        # Of 14 November the rows are settled on the 16th, and looked at for the last time on the 23rd.
        (date(2026, 10, 1), date(2026, 11, 13), True),
        (date(2026, 10, 1), date(2026, 11, 12), False),
    ],
)
def test_an_experiment_is_live_from_its_start_until_its_last_date_is_looked_at_no_more(start, end, live):
    experiment = LaunchedExperiment("x", "test", (Branch("a"),), start_date=start, end_date=end)

    assert is_live(experiment, AS_OF) is live


def test_a_rollout_is_never_live():
    assert not is_live(LaunchedExperiment("x", "test", (), start_date=date(2026, 11, 1), is_rollout=True), AS_OF)


def test_experiments_are_found_in_a_folder_and_unreadable_files_are_reported(tmp_path):
    (tmp_path / "list.json").write_text('[{"slug": "from-json", "branches": [{"slug": "a"}]}, {"slug": "no branches"}]')
    (tmp_path / "wrong.json").write_text("{")
    (tmp_path / "own.toml").write_text(
        '[experiment]\nslug = "from-toml"\nbranches = ["a", "b"]\nstart_date = 2026-11-01\nenrollment_period = 7\n'
        'enrollment_query = "SELECT 1"\n'
    )
    (tmp_path / "notes.txt").write_text("not read")

    found, failed = candidates(str(tmp_path))

    assert [candidate.name if isinstance(candidate, Path) else candidate.experiment.slug for candidate in found] == [
        "from-json",
        "own.toml",
    ]
    assert len(failed) == 2
    assert {entry.exit_code for entry in failed} == {2}


def test_a_folder_without_experiments_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="holds no experiment"):
        candidates(str(tmp_path))


def _candidate(slug: str) -> Candidate:
    return Candidate(LaunchedExperiment(slug, "test", (Branch("a"), Branch("b")), start_date=date(2026, 11, 1)))


def _made(make_plan, slug: str) -> Made:
    return Made(slug, make_plan(SOURCES, slug=slug))
