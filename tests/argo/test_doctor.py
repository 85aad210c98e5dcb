"""`doctor` says what is wrong with an installation and what to do, and leaves nothing behind."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from jetstream_argo.argo.cluster.surroundings import KubernetesSurroundings
from jetstream_argo.argo.doctor.checks import Condition, Diagnosis, findings
from jetstream_argo.argo.doctor.cluster import RIGHTS, cluster_checks
from jetstream_argo.argo.doctor.warehouse import warehouse_checks
from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.warehouse.connect import connect
from tests.argo.fake_kubernetes import FakeKubernetes
from tests.warehouse.bigquery.fake_server.faults import Call, Fault
from tests.warehouse.bigquery.fake_server.server import PROJECT, FakeBigQuery, serving
from workflows.regenerate import ROOT

LIMITS = {"metadata": {"name": "jetstream-limits"}, "data": {"experiments": "20", "queries": "60"}}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WAREHOUSE", "NAMESPACE", "EXPERIMENTS", "DEFINITIONS", "DEFINITIONS_ARCHIVE", "DATASET", "LIMITS"):
        monkeypatch.delenv(f"JETSTREAM_{name}", raising=False)


@pytest.fixture
def surroundings(server: FakeKubernetes, tmp_path: Path) -> KubernetesSurroundings:
    server.objects["configmaps", "jetstream-limits"] = dict(LIMITS)
    return KubernetesSurroundings(kubeconfig=server.kubeconfig(tmp_path / "kubeconfig"))


def of_cluster(
    surroundings: KubernetesSurroundings, *, role: str = "operator", late: timedelta = timedelta()
) -> dict[str, Diagnosis]:
    """Return what is found in a cluster, by this machine's clock or one that is late."""

    def now() -> datetime:
        return datetime.now(UTC) - late

    checks = cluster_checks(surroundings, role=role, limits="jetstream-limits", argo_namespace="argo", now=now)
    return {finding.check: finding for finding in findings(checks)}


def test_an_installation_without_fault_is_called_so_and_ends_with_0(
    server: FakeKubernetes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.objects["configmaps", "jetstream-limits"] = dict(LIMITS)
    reach = ["--kubeconfig", server.kubeconfig(tmp_path / "kubeconfig")]

    code = exit_code_of(["doctor", "--json", "--warehouse", f"embedded:{tmp_path / 'warehouse'}", *reach])

    found = {finding["check"]: finding["state"] for finding in json.loads(capsys.readouterr().out)}
    assert code == 0
    assert found == {
        "warehouse": "ok",
        "dataset": "ok",
        "conventions": "ok",
        "definitions": "unknown",
        "experiments": "unknown",
        "cluster": "ok",
        "argo resources": "ok",
        "argo version": "ok",
        "rights": "ok",
        "limits": "ok",
    }
    assert connect(f"embedded:{tmp_path / 'warehouse'}", attempt="a").tables("jetstream") == ()


def test_definitions_that_cannot_be_read_are_named_and_end_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = tmp_path / "hub"
    (hub / "definitions").mkdir(parents=True)
    (hub / "definitions" / "good.toml").write_text("")
    (hub / "definitions" / "bad.toml").write_text("[metrics\n")
    options = ["--warehouse", f"embedded:{tmp_path / 'warehouse'}", "--definitions", str(hub)]

    code = exit_code_of(["doctor", "--no-cluster", *options])

    lines = capsys.readouterr().out.splitlines()
    assert code == 2
    assert [line for line in lines if line.startswith("wrong: ")] == [
        line for line in lines if "definitions: " in line and "bad.toml" in line and "good.toml" not in line
    ]
    assert len(lines) == 5


def test_a_kubeconfig_that_leads_nowhere_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--warehouse", f"embedded:{tmp_path / 'warehouse'}", "--kubeconfig", str(tmp_path / "absent")]

    code = exit_code_of(["doctor", *options])

    assert code == 2
    assert "wrong: cluster: " in capsys.readouterr().out


@pytest.fixture
def bigquery(tmp_path: Path) -> FakeBigQuery:
    return FakeBigQuery(tmp_path / "warehouse", datasets=["jetstream"])


def of_bigquery(fake: FakeBigQuery) -> list[Diagnosis]:
    with serving(fake) as url:
        options = "retry_seconds=1&first_delay_seconds=0.01&longest_delay_seconds=0.05&longest_poll_seconds=0.05"
        return list(findings(warehouse_checks(f"bigquery:{PROJECT}?api_endpoint={url}&{options}", "jetstream")))


def test_on_bigquery_a_table_is_made_written_to_and_deleted(bigquery: FakeBigQuery) -> None:
    found = of_bigquery(bigquery)

    assert [finding.state for finding in found] == [Condition.OK, Condition.OK]
    assert "in location US" in found[0].found
    assert list(bigquery.catalog.names(PROJECT, "jetstream")) == []


def test_without_the_right_to_run_queries_it_is_said_and_writing_is_not_tried(bigquery: FakeBigQuery) -> None:
    bigquery.faults.order(Fault(Call.SUBMIT, times=100, status=403, reason="accessDenied"))

    query, dataset = of_bigquery(bigquery)

    assert query.state is Condition.WRONG
    assert "bigquery.jobs.create" in query.cure
    assert dataset.state is Condition.UNKNOWN


def test_without_the_right_to_delete_it_is_said_what_to_grant(bigquery: FakeBigQuery) -> None:
    bigquery.faults.order(Fault(Call.TABLE_DELETE, times=100, status=403, reason="accessDenied"))

    query, dataset = of_bigquery(bigquery)

    assert query.state is Condition.OK
    assert dataset.state is Condition.WRONG
    assert "roles/bigquery.dataEditor on jetstream" in dataset.cure


def test_the_rights_are_those_of_the_roles_that_are_shipped() -> None:
    roles = {
        document["metadata"]["name"]: [
            (group, resource, tuple(rule["verbs"]))
            for rule in document["rules"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
        ]
        for document in yaml.safe_load_all((ROOT / "k8s/base/roles.yaml").read_text())
        if document["kind"] == "Role"
    }

    for role, rights in RIGHTS.items():
        assert list(rights) == roles[f"jetstream-{role}"]


def test_a_right_that_is_lacking_is_named(server: FakeKubernetes, surroundings: KubernetesSurroundings) -> None:
    server.refused = {("get", "pods/log"), ("delete", "workflows")}

    operator, planner = of_cluster(surroundings)["rights"], of_cluster(surroundings, role="planner")["rights"]

    assert operator.state is Condition.WRONG
    assert operator.found.endswith("delete workflows, get pods/log")
    assert planner.state is Condition.OK


def test_a_cluster_without_argo_is_told_to_install_it(
    server: FakeKubernetes, surroundings: KubernetesSurroundings
) -> None:
    server.argo_resources = ()

    found = of_cluster(surroundings)["argo resources"]

    assert found.state is Condition.WRONG
    assert "install Argo" in found.cure


@pytest.mark.parametrize(
    ("image", "state"),
    [
        ("quay.io/argoproj/workflow-controller:v4.0.5", Condition.OK),
        ("registry.example:5000/workflow-controller:v4.1.2@sha256:0", Condition.OK),
        ("quay.io/argoproj/workflow-controller:v3.7.1", Condition.WRONG),
        ("registry.example:5000/workflow-controller:latest", Condition.UNKNOWN),
        ("", Condition.UNKNOWN),  # not to be seen
    ],
)
def test_argo_is_new_enough_by_its_controllers_image(
    server: FakeKubernetes, surroundings: KubernetesSurroundings, image: str, state: Condition
) -> None:
    server.controller_image = image

    assert of_cluster(surroundings)["argo version"].state is state


def test_limits_that_are_missing_or_no_numbers_are_wrong(
    server: FakeKubernetes, surroundings: KubernetesSurroundings
) -> None:
    server.objects["configmaps", "jetstream-limits"] = {**LIMITS, "data": {"experiments": "20", "queries": "many"}}
    not_a_number = of_cluster(surroundings)["limits"]
    del server.objects["configmaps", "jetstream-limits"]
    missing = of_cluster(surroundings)["limits"]
    server.refused = {("get", "configmaps")}
    not_to_be_read = of_cluster(surroundings)["limits"]

    assert (not_a_number.state, missing.state, not_to_be_read.state) == (
        Condition.WRONG,
        Condition.WRONG,
        Condition.UNKNOWN,
    )
    assert "queries must be" in not_a_number.found


def test_clocks_that_differ_by_minutes_are_wrong(surroundings: KubernetesSurroundings) -> None:
    found = of_cluster(surroundings, late=timedelta(hours=1))["cluster"]

    assert found.state is Condition.WRONG
    assert "apart" in found.found
