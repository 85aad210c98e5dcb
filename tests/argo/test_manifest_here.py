"""What `run --manifest` does with the plan in a Workflow, and with the Workflow's parameters."""

from pathlib import Path

import pytest

from jetstream_argo.argo.manifest import transport
from jetstream_argo.cli.main import exit_code_of
from tests.run.test_reported_cases import case

_IMAGE = "registry.example/jetstream-argo@sha256:" + "0" * 64


@pytest.mark.parametrize("largest", [transport.LARGEST_TEXT, 0], ids=["parameter", "ConfigMap"])
def test_nothing_of_a_manifest_is_run_if_its_metrics_cannot_be_computed(
    tmp_path: Path, capfd, monkeypatch, largest: int
) -> None:
    monkeypatch.setattr(transport, "LARGEST_TEXT", largest)
    manifest = _manifest(tmp_path, metric="COUNT(dday)")
    capfd.readouterr()

    code = exit_code_of(["run", "--manifest", str(manifest)])

    out, err = capfd.readouterr()
    assert code == 2
    assert err == (
        "error: metrics.n.select_expression: column 'dday' is not among those of [data_sources.events]; "
        "did you mean 'day'?\n"
    )
    assert out == ""


@pytest.mark.parametrize("largest", [transport.LARGEST_TEXT, 0], ids=["variable", "ConfigMap"])
def test_the_plan_of_a_manifest_is_run_in_the_warehouse_that_it_names(
    tmp_path: Path, capfd, monkeypatch, largest: int
) -> None:
    monkeypatch.setattr(transport, "LARGEST_TEXT", largest)
    manifest = _manifest(tmp_path, metric="COUNT(day)")

    first = exit_code_of(["run", "--manifest", str(manifest), "--jobs", "1"])
    capfd.readouterr()
    again = exit_code_of(
        ["run", str(tmp_path / "case.toml"), "--as-of", "2026-05-19", "--warehouse", _warehouse(tmp_path)]
    )

    assert (first, again) == (0, 0)
    assert "nothing to do" in capfd.readouterr().out


def test_parameters_choose_as_for_argo_submit_and_options_go_before_them(tmp_path: Path, capfd) -> None:
    manifest = _manifest(tmp_path, metric="COUNT(day)")
    run = ["run", "--manifest", str(manifest)]

    unknown = exit_code_of([*run, "-p", "metrics=m"])
    option = exit_code_of([*run, "-p", "metrics=n", "--metrics", "k"])
    parameter = exit_code_of([*run, "-p", "plan=x"])
    both = exit_code_of([*run, str(tmp_path / "case.toml")])

    err = capfd.readouterr().err
    assert [unknown, option, parameter, both] == [2, 2, 2, 2]
    assert "'m'" in err
    assert "'k'" in err
    assert "-p plan=x: write NAME=VALUE, NAME one of metrics, warehouse, export-to" in err
    assert "an experiment or --manifest, not both" in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: ConfigMap\n", "holds 0 Workflows, one is needed"),
        ("kind: Workflow\nspec: {templates: 3}\n", "spec.templates: "),
        ("kind: Workflow\nspec: {}\n", "leads to no plan; write it anew"),
    ],
)
def test_a_manifest_without_a_plan_says_so(tmp_path: Path, capfd, text: str, message: str) -> None:
    file = tmp_path / "workflow.yaml"
    file.write_text(text)

    assert exit_code_of(["run", "--manifest", str(file)]) == 2
    assert message in capfd.readouterr().err


def test_a_plan_whose_config_map_is_not_in_the_file_is_missed(tmp_path: Path, capfd, monkeypatch) -> None:
    monkeypatch.setattr(transport, "LARGEST_TEXT", 0)
    manifest = _manifest(tmp_path, metric="COUNT(day)")
    manifest.write_text(manifest.read_text().split("---\n")[1])

    assert exit_code_of(["run", "--manifest", str(manifest)]) == 2
    assert "its plan is in a ConfigMap, file 'plan.json.gz', which is not here" in capfd.readouterr().err


def _warehouse(folder: Path) -> str:
    return f"embedded:{folder / 'warehouse'}"


def _manifest(folder: Path, *, metric: str) -> Path:
    case(folder, rows="shop.events", date_column="day", metric=metric)
    file, manifest = folder / "case.toml", folder / "workflow.yaml"
    deployment = ["--warehouse", _warehouse(folder), "--image", _IMAGE]
    assert exit_code_of(["workflow", str(file), "--as-of", "2026-05-19", *deployment, "-o", str(manifest)]) == 0
    return manifest


def test_publishing_after_a_failure_ends_with_2_and_says_which_metric_failed_and_why(
    tmp_path: Path, capfd, monkeypatch
) -> None:
    case(tmp_path, rows="shop.events", date_column="day", metric="COUNT(day)")
    plan, log, result = tmp_path / "plan.json", tmp_path / "log", tmp_path / "result"
    assert exit_code_of(["plan", str(tmp_path / "case.toml"), "--as-of", "2026-05-19", "-o", str(plan)]) == 0
    publish = ["task", "--plan", str(plan), "--node", "export", "--warehouse", _warehouse(tmp_path)]
    monkeypatch.setenv("JETSTREAM_TERMINATION_LOG", str(log))
    monkeypatch.setenv("JETSTREAM_RESULT", str(result))
    assert exit_code_of(["task", "--plan", str(plan), "--node", "enrollments", *publish[-2:]]) == 0

    codes = {}
    for outcome in ("false", "true"):
        monkeypatch.setenv("JETSTREAM_GRAPH_FAILED", outcome)
        codes[outcome] = exit_code_of(publish)

    assert codes == {"false": 0, "true": 2}
    assert log.read_text().startswith("a node failed without a word on record: see the red ones; ")
    assert result.read_text() == log.read_text()
