import tarfile
from datetime import date
from importlib import resources

import click
import pytest
import yaml

from jetstream_argo.argo.due.archive import unpack_archive
from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.cli.workflows import scheduled
from jetstream_argo.errors import ConfigError

IMAGE = "registry.example/jetstream-argo@sha256:" + "0" * 64
DEPLOYMENT = ["--image", IMAGE, "--warehouse", "bigquery:project"]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for name in ("IMAGE", "WAREHOUSE", "NAMESPACE", "EXPERIMENTS", "DEFINITIONS", "DEFINITIONS_ARCHIVE", "DATASET"):
        monkeypatch.delenv(f"JETSTREAM_{name}", raising=False)


@pytest.fixture
def reach(server, tmp_path):
    return ["--kubeconfig", server.kubeconfig(tmp_path / "kubeconfig")]


@pytest.fixture
def experiment(tmp_path):
    folder = tmp_path / "experiments"
    folder.mkdir()
    file = folder / "sidebar-layout.toml"
    file.write_text(resources.files("jetstream_argo.demo").joinpath("experiment.toml").read_text())
    return file


def test_the_workflow_of_an_experiment_is_printed(experiment, capsys):
    code = exit_code_of(
        ["workflow", str(experiment), "--as-of", "2026-03-10", *DEPLOYMENT, "--metrics", "active_hours"]
    )

    document = yaml.safe_load(capsys.readouterr().out)
    assert code == 0
    assert document["kind"] == "Workflow"
    assert document["metadata"]["generateName"] == "jetstream-sidebar-layout-2026-03-10-"
    assert document["spec"]["arguments"]["parameters"][0]["value"] == "active_hours"


def test_an_experiment_that_is_called_like_a_number_keeps_its_name_for_every_reader(experiment, capsys):
    experiment.write_text(experiment.read_text().replace('"sidebar-layout"', '"1e3"', 1))

    code = exit_code_of(["workflow", str(experiment), "--as-of", "2026-03-10", *DEPLOYMENT])

    assert code == 0
    assert capsys.readouterr().out.count("jetstream-argo/experiment: '1e3'\n") == 2


def test_an_experiment_of_a_folder_is_submitted_by_its_slug_alone(experiment, server, reach, capsys):
    command = ["submit", "--as-of=2026-03-10", "--experiments", str(experiment.parent), *DEPLOYMENT, *reach]

    codes = [exit_code_of([*command, slug]) for slug in ("sidebar-layout", "sidebar", "../experiments/sidebar-layout")]

    assert codes == [0, 2, 2]
    assert "jetstream-sidebar-layout-2026-03-10" in (printed := capsys.readouterr()).out
    assert "holds no sidebar.toml and no sidebar.json" in printed.err


def test_an_image_without_a_digest_is_warned_of(experiment, capsys):
    exit_code_of(["workflow", str(experiment), "--as-of", "2026-03-10", "--warehouse", "bigquery:p", "--image", "x:1"])

    assert "not named by digest" in capsys.readouterr().err


def test_an_experiment_is_submitted_once(experiment, server, reach, capsys):
    command = ["submit", "--as-of=2026-03-10", "--metrics=", *DEPLOYMENT, *reach, "--", str(experiment)]

    codes = [exit_code_of(command), exit_code_of(command)]

    first, second = capsys.readouterr().out.splitlines()
    assert codes == [0, 0]
    assert first.endswith("submitted")
    assert second.endswith("exists already")
    assert server.names("workflows") == [first.split()[0]]


def test_a_typo_in_the_metrics_submits_nothing(experiment, server, reach, capsys):
    code = exit_code_of(
        ["submit", "--as-of=2026-03-10", "--metrics=active_huors", *DEPLOYMENT, *reach, "--", str(experiment)]
    )

    assert code == 2
    assert "did you mean 'active_hours'" in capsys.readouterr().err
    assert server.names("workflows") == []


def test_the_planner_submits_what_is_live_and_reports_what_cannot_be_planned(experiment, server, reach, capsys):
    text = experiment.read_text().replace('"sidebar-layout"', '"wrong"')
    (experiment.parent / "wrong.toml").write_text(text.replace('data_source = "search"', 'data_source = "serach"'))
    ended = experiment.read_text().replace('"sidebar-layout"', '"ended"').replace("2026-03-02", "2025-03-02")
    (experiment.parent / "ended.toml").write_text(ended.replace("2026-04-06", "2025-04-06"))

    code = exit_code_of(
        ["submit-due", "--date", "2026-03-11T05:00:00Z", "--experiments", str(experiment.parent), *DEPLOYMENT, *reach]
    )

    lines = capsys.readouterr().out.splitlines()
    assert code == 2
    (name,) = server.names("workflows")
    assert name.startswith("jetstream-sidebar-layout-2026-03-10-")
    assert lines[0] == f"submitted: sidebar-layout: {name}"
    assert lines[1].startswith("failed: wrong: ")
    assert lines[-1].startswith("1 submitted, 0 exists already, 0 not due, 1 failed: wrong (")
    assert "'serach'" in lines[-1]


def test_a_backfill_submits_what_was_live_as_of_the_last_day_or_its_own_end_and_can_be_repeated(
    experiment, server, reach, capsys
):
    ended = experiment.read_text().replace('"sidebar-layout"', '"ended"').replace("2026-04-06", "2026-04-02")
    (experiment.parent / "ended.toml").write_text(ended)
    before = experiment.read_text().replace('"sidebar-layout"', '"before"').replace("2026-03-02", "2025-03-02")
    (experiment.parent / "before.toml").write_text(before.replace("2026-04-06", "2025-04-06"))
    between = ["submit-due", "--live-between", "2026-03-01", "2026-04-04", "--experiments", str(experiment.parent)]

    codes = [exit_code_of([*between, *DEPLOYMENT, *reach]) for _ in range(2)]

    assert codes == [0, 0]
    names = sorted(name[: -len("-00000000")] for name in server.names("workflows"))
    assert names == ["jetstream-ended-2026-04-02", "jetstream-sidebar-layout-2026-04-04"]
    assert capsys.readouterr().out.splitlines()[-1] == "0 submitted, 2 exists already, 0 not due, 0 failed"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give either --date DATE or --live-between"),
        (["--date", "2026-03-01", "--live-between", "2026-03-01", "2026-03-02"], "give either"),
        (["--live-between", "2026-03-02", "2026-03-01"], "the first day is after the last"),
    ],
)
def test_a_backfill_is_told_its_days_once_and_in_order(experiment, reach, capsys, options, message):
    command = ["submit-due", *options, "--experiments", str(experiment.parent), *DEPLOYMENT, *reach]

    assert exit_code_of(command) == 2
    assert message in capsys.readouterr().err


def test_the_planner_of_the_next_hour_creates_anew_what_ended_for_now(experiment, server, reach, capsys):
    command = ["submit-due", "--experiments", str(experiment.parent), *DEPLOYMENT, *reach, "--date"]
    exit_code_of([*command, "2026-03-11T05:00:00Z"])
    (name,) = server.names("workflows")
    nodes = {
        "a": {"type": "Retry", "children": ["b"]},
        "b": {"type": "Pod", "outputs": {"exitCode": "75"}},
    }
    for id, node in nodes.items():
        node |= {"id": id, "name": id, "displayName": id, "phase": "Failed"}
    server.objects["workflows", name]["status"] = {"phase": "Failed", "nodes": nodes}

    codes = [exit_code_of([*command, f"2026-03-11T{hour}:00:00Z"]) for hour in ("06", "20")]

    assert codes == [0, 0]
    assert server.names("workflows") == [name, f"{name}-2"]
    assert capsys.readouterr().out.splitlines()[-1] == "0 submitted, 1 exists already, 0 not due, 0 failed"


def test_the_planner_needs_to_be_told_where_experiments_are(reach, capsys):
    assert exit_code_of(["submit-due", "--date", "2026-03-10", *DEPLOYMENT, *reach]) == 2
    assert "say where experiments are" in capsys.readouterr().err


def test_workflows_are_listed_and_one_is_shown(experiment, server, reach, capsys):
    exit_code_of(["submit", str(experiment), "--as-of=2026-03-10", *DEPLOYMENT, *reach])
    (name,) = server.names("workflows")
    capsys.readouterr()

    codes = [exit_code_of(["watch", *reach]), exit_code_of(["watch", name, "--once", *reach])]

    out = capsys.readouterr().out
    assert codes == [0, 0]
    assert "sidebar-layout" in out
    assert f"{name}: Pending" in out


def test_a_failed_workflow_is_retried_and_a_running_one_is_not(experiment, server, reach, capsys):
    exit_code_of(["submit", str(experiment), "--as-of=2026-03-10", *DEPLOYMENT, *reach])
    (name,) = server.names("workflows")
    node = {"id": name, "name": name, "displayName": name, "type": "DAG", "phase": "Failed", "children": []}
    server.objects["workflows", name]["status"] = {"phase": "Failed", "nodes": {name: node}}

    codes = [exit_code_of(["retry", name, *reach]), exit_code_of(["retry", name, *reach])]

    assert codes == [0, 2]
    assert server.objects["workflows", name]["status"]["phase"] == "Running"
    assert "still running" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-03-10", date(2026, 3, 10)),
        ("2026-03-11T05:00:00Z", date(2026, 3, 10)),
        ("2026-03-11T01:00:00+02:00", date(2026, 3, 9)),
        ("2026-01-01T00:00:00Z", date(2025, 12, 31)),
    ],
)
def test_a_scheduled_time_stands_for_the_day_before_it_in_utc(when, expected):
    assert scheduled(when) == expected


@pytest.mark.parametrize("when", ["yesterday", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_refused(when):
    with pytest.raises(click.BadParameter, match=r"is no"):
        scheduled(when)


def test_definitions_come_from_an_archive_with_one_folder(tmp_path):
    (tmp_path / "hub" / "definitions").mkdir(parents=True)
    (tmp_path / "hub" / "definitions" / "app.toml").write_text("")
    with tarfile.open(tmp_path / "hub.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "hub", "metric-hub-main")
    target = tmp_path / "out"
    target.mkdir()

    found = unpack_archive(f"file://{tmp_path}/hub.tar.gz", target)

    assert found == target / "metric-hub-main"
    assert (found / "definitions" / "app.toml").exists()


def test_an_archive_that_writes_outside_of_its_folder_is_refused(tmp_path):
    (tmp_path / "x").write_text("x")
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "x", "../outside")
    (tmp_path / "out").mkdir()

    with pytest.raises(ConfigError, match=r"no usable \.tar\.gz"):
        unpack_archive(f"{tmp_path}/bad.tar.gz", tmp_path / "out")


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "bad.tar.gz").write_text("<html>")

    with pytest.raises(ConfigError, match=r"no usable \.tar\.gz"):
        unpack_archive(f"{tmp_path}/bad.tar.gz", tmp_path)


def test_a_placeholder_is_refused_in_settings_that_are_no_options_too(experiment, monkeypatch, capsys):
    monkeypatch.setenv("JETSTREAM_HOSTS", "<hosts>")

    code = exit_code_of(["workflow", str(experiment), "--as-of", "2026-03-10", *DEPLOYMENT])

    assert code == 2
    assert "JETSTREAM_HOSTS: is still '<hosts>': put your own there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["submit", "missing.toml", *DEPLOYMENT], "missing.toml"),
        (["submit-due", "--date", "2026-03-10", *DEPLOYMENT], "say where experiments are"),
        (["submit-due", "--date", "2026-03-10"], "Missing option '--warehouse'"),
    ],
)
def test_a_planner_that_cannot_even_begin_says_why_in_its_nodes_message(arguments, reason, monkeypatch, tmp_path):
    message = tmp_path / "message"
    monkeypatch.setenv("JETSTREAM_TERMINATION_LOG", str(message))

    code = exit_code_of(arguments)

    assert code == 2
    assert reason in message.read_text()
    assert len(message.read_text().splitlines()) == 1
