"""Which file says what, of several directories."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from jetstream_argo.config.files.metric_hub import Definitions
from jetstream_argo.errors import ConfigError

Write = Callable[[Mapping[str, str]], Path]

OUTCOME = "friendly_name = 'O'\ndescription = '{}'\n"


def test_a_checkouts_own_definitions_come_before_those_of_its_jetstream(write: Write) -> None:
    hub = write(
        {
            "definitions/fenix.toml": "[metrics.a]\nselect_expression = 'SUM(x)'\nfriendly_name = 'A'",
            "jetstream/definitions/fenix.toml": "[metrics.a]\nfriendly_name = 'B'\n[metrics.a.statistics.mean]",
        }
    )

    metric = Definitions.load([hub]).application("fenix").metrics["a"]

    assert (metric.select_expression, metric.friendly_name) == ("SUM(x)", "B")
    assert metric.statistics == {"mean": {}}


def test_functions_and_outcomes_of_a_later_directory_replace_those_of_the_same_name(write: Write) -> None:
    hub = write(
        {
            "definitions/functions.toml": "[functions.f]\ndefinition = 'F'\n[functions.g]\ndefinition = 'G'",
            "jetstream/definitions/functions.toml": "[functions.f]\ndefinition = 'F2'",
            "outcomes/fenix/o.toml": OUTCOME.format("first"),
            "jetstream/outcomes/fenix/o.toml": OUTCOME.format("second"),
            "jetstream/outcomes/firefox_ios/o.toml": OUTCOME.format("other app"),
        }
    )
    definitions = Definitions.load([hub])

    outcome = definitions.outcome("o", "fenix")

    assert {name: function.definition for name, function in definitions.functions().items()} == {"f": "F2", "g": "G"}
    assert outcome is not None
    assert outcome.description == "second"


def test_files_of_directories_given_later_are_merged_over_earlier_ones(write: Write) -> None:
    root = write(
        {
            "public/exp.toml": "[experiment]\nenrollment_period = 3\nsample_size = 10",
            "private/exp.toml": "[experiment]\nenrollment_period = 5",
        }
    )

    spec = Definitions.load([root / "public", root / "private"]).experiment_file("exp")

    assert spec is not None
    assert (spec.experiment.enrollment_period, spec.experiment.sample_size) == (5, 10)


def test_what_there_is_can_be_listed(write: Write) -> None:
    hub = write(
        {
            "definitions/functions.toml": "",
            "definitions/fenix.toml": "",
            "jetstream/defaults/firefox_ios.toml": "",
            "jetstream/outcomes/fenix/b.toml": OUTCOME,
            "jetstream/outcomes/fenix/a.toml": OUTCOME,
            "jetstream/outcomes/fenix/example.toml.example": "not TOML",
            "jetstream/exp.toml": "",
        }
    )
    definitions = Definitions.load([hub])

    assert definitions.applications() == ("fenix", "firefox_ios")
    assert definitions.outcomes("fenix") == ("a", "b")
    assert definitions.experiments() == ("exp",)


def test_what_there_is_not_is_empty(tmp_path: Path) -> None:
    definitions = Definitions.load([tmp_path])

    assert definitions.experiment_file("exp") is None
    assert definitions.outcome("o", "fenix") is None
    assert not definitions.application("fenix").metrics
    assert not definitions.defaults("fenix").metrics
    assert not definitions.functions()


def test_only_the_files_that_are_asked_for_are_read(write: Write) -> None:
    hub = write({"definitions/fenix.toml": "[metrics.a]", "definitions/broken.toml": "[", "broken.toml": "["})

    definitions = Definitions.load([hub])

    assert list(definitions.application("fenix").metrics) == ["a"]
    with pytest.raises(ConfigError, match=r"broken\.toml"):
        definitions.application("broken")


def test_a_file_is_read_once(write: Write) -> None:
    hub = write({"exp.toml": "[experiment]\nenrollment_period = 3"})
    definitions = Definitions.load([hub])
    first = definitions.experiment_file("exp")

    (hub / "exp.toml").write_text("[experiment]\nenrollment_period = 5")

    assert definitions.experiment_file("exp") is first


def test_a_path_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a directory; name a checkout of metric-hub"):
        Definitions.load([tmp_path / "nowhere"])
