"""What a metric is, which experiments there are, and what a shell completes."""

import json
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from tests.worlds.answers import answering
from tests.worlds.checkout import AS_OF, EXPERIMENT

WHEN = ("--as-of", AS_OF)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a configuration."""
    monkeypatch.chdir(tmp_path)
    for name in ("JETSTREAM_EXPERIMENTS", "JETSTREAM_WAREHOUSE", "JETSTREAM_DATASET"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "checkout.toml").write_text(EXPERIMENT)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("order", [("revenue", "checkout.toml"), ("checkout.toml", "revenue")])
def test_a_metric_is_explained_from_its_definition_to_its_statistics(
    order: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code_of(["explain", *order, *WHEN]) == 0

    text = capsys.readouterr().out
    assert "defined in checkout.toml" in text
    assert "  COALESCE(SUM(amount), 0)" in text
    assert "SUM(amount), merged by SUM" in text
    assert "LEFT JOIN shop.orders AS ds" in text
    assert text.rstrip().endswith("week:\n    linear_model_mean")


def test_a_metric_of_all_rows_says_why_and_shows_its_query(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    direct = EXPERIMENT.replace("COALESCE(SUM(amount), 0)", "APPROX_QUANTILES(amount, 2)[OFFSET(1)]")
    (folder / "checkout.toml").write_text(direct)

    assert exit_code_of(["explain", "revenue", "checkout.toml", *WHEN]) == 0

    text = capsys.readouterr().out
    assert "not split: " in text
    assert "SQL of a window:" in text


@pytest.mark.usefixtures("folder")
def test_a_plan_that_was_made_before_is_explained_too(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code_of(["plan", "checkout.toml", "-o", "plan.json", *WHEN])
    capsys.readouterr()

    assert exit_code_of(["explain", "orders", "--plan", "plan.json"]) == 0
    assert "  COUNT(order_id)" in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
def test_a_misspelt_metric_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["explain", "revnue", "checkout.toml", *WHEN]) == 2
    assert "did you mean 'revenue'" in capsys.readouterr().err


DEFINED = """
[metrics.clicks]
data_source = "pages"
select_expression = "SUM(clicks)"
{statistics}
[data_sources.pages]
from_expression = "web.pages"
experiments_column_type = "none"
"""


def test_a_metric_that_an_application_defines_is_explained_without_an_experiment(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "definitions").mkdir()
    (folder / "definitions" / "web.toml").write_text(DEFINED.format(statistics="[metrics.clicks.statistics.sum]"))

    assert exit_code_of(["explain", "clicks", "-d", "."]) == 0

    text = capsys.readouterr().out
    assert "LEFT JOIN web.pages AS ds" in text
    assert text.rstrip().endswith("overall:\n    sum")


def test_of_several_applications_one_must_be_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "definitions").mkdir()
    for app in ("web", "phone"):
        (folder / "definitions" / f"{app}.toml").write_text(DEFINED.format(statistics=""))

    codes = [exit_code_of(["explain", "clicks", "-d", ".", *app]) for app in ((), ("--app", "phone"))]

    assert codes == [2, 0]
    captured = capsys.readouterr()
    assert "is defined for phone, web: say which is meant, with --app" in captured.err
    assert captured.out.rstrip().endswith("overall:\n    linear_model_mean")


def test_the_experiments_of_a_folder_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nimbus = {
        "slug": "in-json", "appName": "app", "branches": [{"slug": "control", "ratio": 1}],
        "startDate": "2026-05-01", "endDate": None, "proposedEnrollment": 7,
    }  # fmt: skip
    (folder / "experiments.json").write_text(json.dumps([nimbus]))

    assert exit_code_of(["list", "--experiments", ".", "--json"]) == 0

    rows = {row["experiment"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["checkout"]["branches"] == 2
    assert (rows["in-json"]["from"], rows["in-json"]["to"]) == ("2026-05-01", None)


@pytest.mark.usefixtures("folder")
def test_the_experiments_of_an_address_are_listed_and_one_that_cannot_be_read_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    served = [
        {"slug": "served", "appName": "app", "branches": [{"slug": "a"}, {"slug": "b"}], "startDate": "2026-05-01"},
        {"slug": "wrong", "branches": 5},
    ]

    with answering(lambda _: (200, json.dumps(served).encode())) as (url, _):
        assert exit_code_of(["list", "--experiments", url, "--json"]) == 2

    captured = capsys.readouterr()
    (row,) = json.loads(captured.out)
    assert (row["experiment"], row["branches"], row["from"]) == ("served", 2, "2026-05-01")
    assert "wrong" in captured.err


@pytest.mark.usefixtures("folder")
def test_an_address_that_does_not_know_the_list_ends_the_command_and_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with answering(lambda _: (404, b"")) as (url, _):
        assert exit_code_of(["list", "--experiments", url]) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert url in captured.err


def test_what_cannot_be_read_is_told_beside_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "wrong.toml").write_text('[experiment]\nslug = "wrong"\nbranches = 5\n')

    assert exit_code_of(["list", "--experiments", "."]) == 2

    captured = capsys.readouterr()
    assert "checkout" in captured.out
    assert "wrong.toml" in captured.err


@pytest.mark.usefixtures("folder")
def test_a_warehouse_without_experiments_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["list"]) == 0
    assert capsys.readouterr().out == "embedded:.jetstream: there are no experiments\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_ask_for_completions(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["completion", shell]) == 0
    assert f"_JETSTREAM_ARGO_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_a_shell_that_asks_is_answered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("_JETSTREAM_ARGO_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "jetstream-argo run --dry")
    monkeypatch.setenv("COMP_CWORD", "2")

    with pytest.raises(SystemExit):
        exit_code_of([])

    assert "plain,--dry-run" in capsys.readouterr().out
