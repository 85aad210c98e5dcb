"""What the planner does each hour: what is there already, what ended for now, what waits."""

from datetime import UTC, date, datetime

import pytest

from jetstream_argo.argo.cluster.resubmit import MOST, ended_for_now, submit_anew
from jetstream_argo.argo.due.candidates import Candidate, CandidateState
from jetstream_argo.argo.due.experiments import submit_due
from jetstream_argo.argo.due.looking import Waits, is_last_look, look, nothing_known
from jetstream_argo.argo.due.planning import Made
from jetstream_argo.argo.manifest.deployment import Deployment
from jetstream_argo.argo.manifest.emit import emit
from jetstream_argo.config.experiment import Branch, LaunchedExperiment
from jetstream_argo.plan.readiness import Readiness

SOURCES = {"clients": ["active_hours"], "search": ["ads"]}
DEPLOYMENT = Deployment("image@sha256:0", "bigquery:project")
AS_OF = date(2026, 11, 23)


@pytest.fixture
def planner(api, make_plan):
    """A planner that looks at one experiment, for which some readiness is known."""

    def looks(readiness=None, *, is_last=False, slug="new-tab"):
        def submit(plan):
            found = look(plan, lambda _: readiness)
            submitted = submit_anew(lambda number: emit(found.plan, DEPLOYMENT, attempt=number), api)
            return type(submitted)(submitted.name, submitted.is_new, found.waits)

        experiment = LaunchedExperiment(slug, "test", (Branch("a"), Branch("b")), start_date=date(2026, 11, 1))
        return submit_due(
            [(Candidate(experiment), Made(slug, make_plan(SOURCES, slug=slug)))],
            submit=submit,
            tell=lambda _: None,
            is_last=is_last,
        )

    return looks


def ends(server, name, *codes, phase="Failed"):
    """Let a Workflow end with a node for each exit code, after an attempt that was killed."""
    nodes = {}
    for number, code in enumerate(codes):
        task = f"{name}.experiment.node-{number}"
        attempts = [f"{number}-0", f"{number}-1"]
        ended = "Failed" if code else "Succeeded"
        nodes[str(number)] = _node(str(number), task, "Retry", ended, attempts)
        for id, exit_code in zip(attempts, (137, code), strict=True):
            nodes[id] = _node(id, f"{task}({id[-1]})", "Pod", "Failed" if exit_code else "Succeeded")
            nodes[id]["outputs"] = {"exitCode": str(exit_code)}
    server.objects["workflows", name]["status"] = {"phase": phase, "nodes": nodes}


def _node(id, name, type, phase, children=()):
    return {"id": id, "name": name, "displayName": name, "type": type, "phase": phase, "children": list(children)}


def test_a_workflow_that_ended_for_now_is_created_anew_and_what_runs_is_left_alone(server, planner):
    (first,) = planner().entries
    ends(server, first.line, 0, 75)
    (second,) = planner().entries
    (running,) = planner().entries
    ends(server, second.line, 75)
    (third,) = planner().entries

    assert [entry.state for entry in (first, second, running, third)] == [
        CandidateState.SUBMITTED,
        CandidateState.SUBMITTED,
        CandidateState.EXISTS,
        CandidateState.SUBMITTED,
    ]
    assert [second.line, running.line, third.line] == [f"{first.line}-{number}" for number in (2, 2, 3)]
    assert server.names("workflows") == [first.line, second.line, third.line]


@pytest.mark.parametrize(("codes", "phase"), [((2,), "Failed"), ((137, 2), "Failed"), ((0, 75), "Succeeded")])
def test_a_workflow_that_succeeded_or_failed_for_good_is_left_alone(server, planner, codes, phase):
    (first,) = planner().entries
    ends(server, first.line, *codes, phase=phase)

    (second,) = planner().entries

    assert (second.state, second.line) == (CandidateState.EXISTS, first.line)


def test_a_failure_that_may_pass_counts_beside_one_that_will_not(server, planner):
    (first,) = planner().entries
    ends(server, first.line, 2, 75)

    assert planner().entries[0].line == f"{first.line}-2"


def test_what_argo_keeps_in_its_database_is_left_to_people(server, planner):
    (first,) = planner().entries
    server.objects["workflows", first.line]["status"] = {"phase": "Failed", "offloadNodeStatusVersion": "fnv:1"}

    assert not ended_for_now(server.objects["workflows", first.line])
    assert planner().entries[0].state is CandidateState.EXISTS


def test_attempts_have_an_end(server, api, make_plan):
    plan = make_plan(SOURCES)

    for _ in range(MOST + 2):
        name = submit_anew(lambda number: emit(plan, DEPLOYMENT, attempt=number), api).name
        ends(server, name, 75)

    assert len(server.names("workflows")) == MOST


def test_the_planner_needs_no_more_of_workflows_than_create_and_get(server, planner):
    ends(server, planner().entries[0].line, 75)
    planner()

    assert {method for method, kind in server.requests if kind == "workflows"} <= {"POST", "GET"}


@pytest.mark.parametrize("slug", ["new-tab", "x" * 100])
def test_a_further_attempt_has_a_name_that_kubernetes_takes(make_plan, slug):
    plan = make_plan(SOURCES, slug=slug)

    found = [emit(plan, DEPLOYMENT, attempt=number).workflow["metadata"]["name"] for number in (1, 2, MOST)]

    assert len({*found}) == 3
    assert all(len(name) <= 63 for name in found)
    key = found[0].rsplit("-", 1)[1]
    ends = (key, f"{key}-2", f"{key}-{MOST}")
    assert all(name.endswith(end) for name, end in zip(found, ends, strict=True))


def test_the_same_readiness_is_the_same_workflow_and_a_new_one_is_another(server, planner):
    early, later = Readiness.of({"clients": AS_OF}), Readiness.of({"clients": AS_OF, "search": AS_OF})

    lines = [planner(readiness).entries[0].line for readiness in (early, early, later, later, None)]

    assert lines[0] == lines[1]
    assert lines[2] == lines[3]
    assert len({*lines}) == 3
    assert len(server.names("workflows")) == 3


def test_a_source_that_is_late_is_left_out_and_told_of(make_plan):
    late = Readiness.of({"search": date(2026, 11, 5)})

    found = look(make_plan(SOURCES), lambda _: late)

    assert found.plan.source("search").reads == ()
    assert found.plan.source("clients").reads != ()
    assert found.waits == ("search of 2026-11-06 is not loaded yet (newest: 2026-11-05)",)
    assert look(make_plan(SOURCES), nothing_known).plan == make_plan(SOURCES)


def test_an_experiment_of_which_nothing_is_there_waits(make_plan, planner, server):
    nothing = Readiness.of({"clients": date(2026, 11, 1), "search": date(2026, 11, 5)})

    with pytest.raises(Waits, match="clients of 2026-11-02"):
        look(make_plan(SOURCES), lambda _: nothing)
    report = planner(nothing)

    assert report.entries[0].state is CandidateState.WAITS
    assert report.exit_code == 0
    assert server.names("workflows") == []


def test_at_the_last_look_what_is_waited_for_is_a_failure_that_says_it(planner):
    late = Readiness.of({"search": date(2026, 11, 5)})
    nothing = Readiness.of({"clients": date(2026, 11, 1), "search": date(2026, 11, 5)})

    assert planner(late).exit_code == 0
    assert planner(late, is_last=True).exit_code == 75
    last = planner(nothing, is_last=True)

    assert last.exit_code == 75
    assert "1 waiting" in last.line
    assert "search of 2026-11-06 is not loaded yet (newest: 2026-11-05), for 1 experiment" in last.line
    assert planner(Readiness.of({"clients": AS_OF, "search": AS_OF}), is_last=True).exit_code == 0


@pytest.mark.parametrize(("at", "last"), [("2026-11-24T19:59:59Z", False), ("2026-11-24T20:00:00Z", True)])
def test_the_last_look_is_so_many_hours_after_the_end_of_the_day(at, last):
    assert is_last_look(datetime.fromisoformat(at).astimezone(UTC), AS_OF, hours=20) is last
