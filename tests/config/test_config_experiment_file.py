"""What one hand-written file says about an experiment."""

import textwrap
from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.config.conventions.load import Conventions
from jetstream_argo.config.experiment import Branch
from jetstream_argo.config.files import experiment_file
from jetstream_argo.config.files.experiment_file import is_experiment_file, load_experiment_file
from jetstream_argo.config.files.metric_hub import Definitions
from jetstream_argo.config.periods import Period
from jetstream_argo.config.resolve.experiment import resolve
from jetstream_argo.errors import ConfigError


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


def test_the_documented_file_needs_nothing_else(tmp_path: Path, conventions: Conventions) -> None:
    example = (experiment_file.__doc__ or "").split("\n\n", 1)[1].rsplit("\n\n", 1)[0]
    read = load_experiment_file(_write(tmp_path, textwrap.dedent(example)))

    resolution = resolve(read.experiment, Definitions([]), read.spec, conventions=conventions)

    config = resolution.config
    assert resolution.warnings == ()
    assert (config.slug, config.branches, config.reference_branch) == (
        "new-checkout",
        ("control", "treatment"),
        "control",
    )
    assert (config.start_date, config.end_date, config.enrollment_days) == (date(2026, 5, 4), date(2026, 6, 8), 7)
    assert [period.period for period in config.periods] == [Period.WEEK, Period.OVERALL]
    [source] = config.data_sources
    assert (source.id_column, source.date_column, source.branch_expression) == ("user_id", "day", None)
    assert "WHERE experiment = 'new-checkout'" in config.enrollments_sql
    assert config.exposures_sql is None


def test_branches_may_have_shares(tmp_path: Path) -> None:
    path = _write(tmp_path, "[experiment]\nslug = 'exp'\nbranches = {a = 1, b = 3}\nenrollment_end_date = 2026-05-10")

    experiment = load_experiment_file(path).experiment

    assert experiment.branches == (Branch("a", 1), Branch("b", 3))
    assert experiment.enrollment_end_date == date(2026, 5, 10)


def test_functions_may_stand_in_the_file(tmp_path: Path, conventions: Conventions) -> None:
    text = """
    [experiment]
    slug = "exp"
    branches = ["a", "b"]
    start_date = 2026-05-04
    enrollment_period = 7
    enrollment_query = "SELECT * FROM t"
    [functions.total]
    definition = "COALESCE(SUM({select_expr}), 0)"
    [data_sources.orders]
    from_expression = "shop.orders"
    [metrics]
    weekly = ["revenue"]
    [metrics.revenue]
    data_source = "orders"
    select_expression = "{{total('amount')}}"
    [metrics.revenue.statistics.count]
    """
    read = load_experiment_file(_write(tmp_path, text))

    [metric] = resolve(read.experiment, Definitions([]), read.spec, conventions=conventions).config.metrics

    assert metric.select_expression == "COALESCE(SUM(amount), 0)"


def test_with_an_application_its_conventions_count(tmp_path: Path, conventions: Conventions) -> None:
    text = "[experiment]\nslug='exp'\nbranches=['a']\nstart_date=2026-05-04\nenrollment_period=7\napp_name='fenix'"
    read = load_experiment_file(_write(tmp_path, text))

    config = resolve(read.experiment, Definitions([]), read.spec, conventions=conventions).config

    assert (config.app_name, config.enrollment_kind) == ("fenix", "glean-event")


def test_a_file_is_known_by_its_slug(tmp_path: Path) -> None:
    assert is_experiment_file(_write(tmp_path, "[experiment]\nslug = 'exp'"))
    assert not is_experiment_file(_write(tmp_path, "[experiment]\nenrollment_period = 7"))
    assert not is_experiment_file(_write(tmp_path, "[metrics]"))


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["experiment.slug: is missing", "experiment.branches: is missing"]),
        (
            "[experiment]\nslgu = 'exp'\nbranches = []\nslug = 'a/b'",
            [
                "experiment.slug: is 'a/b': String should match pattern '^[A-Za-z0-9_][A-Za-z0-9_.-]*$'",
                "experiment.branches: is {}: Dictionary should have at least 1 item after validation, not 0",
                "experiment.slgu: is not a known key; did you mean 'slug'?",
            ],
        ),
        (
            "[experiment]\nslug = 'exp'\nbranches = ['a', 'a']",
            ["experiment.branches: is ['a', 'a']: 'a' is named twice"],
        ),
        (
            "[experiment]\nslug = 'exp'\nbranches = {a = 0}\nenrollment_period = 'x'",
            [
                "experiment.branches.a: is 0: should be greater than or equal to 1",
                "experiment.enrollment_period: is 'x': should be a valid integer",
            ],
        ),
    ],
)
def test_everything_that_is_wrong_is_told(tmp_path: Path, text: str, problems: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_experiment_file(_write(tmp_path, text))

    assert [str(problem) for problem in caught.value.problems] == problems


def test_a_metric_says_its_unit_and_what_it_is_for(tmp_path: Path) -> None:
    text = textwrap.dedent(
        """
        [experiment]
        slug = "a"
        branches = ["x"]
        [metrics.m]
        data_source = "d"
        select_expression = "1"
        unit = "s"
        role = "guardrail"
        """
    )

    metric = load_experiment_file(_write(tmp_path, text)).spec.metrics["m"]

    assert (metric.unit, metric.role) == ("s", "guardrail")
    with pytest.raises(ConfigError, match=r"metrics.m.role.*'primary', 'guardrail' or 'secondary'"):
        load_experiment_file(_write(tmp_path, text.replace("guardrail", "gaurdrail")))
