"""Every real experiment's file, compared with what the existing parser makes of it."""

import gzip
import json
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jetstream_argo.config.conventions.load import Conventions
from jetstream_argo.config.exclusions import ExclusionRules
from jetstream_argo.config.experiment import Branch, LaunchedExperiment
from jetstream_argo.config.files.metric_hub import Definitions
from jetstream_argo.config.model import ExperimentConfig
from jetstream_argo.config.periods import Period
from jetstream_argo.config.resolve.experiment import resolve
from jetstream_argo.config.statistics import Covariate, Statistic
from jetstream_argo.errors import ConfigError

_SHARED = Path(__file__).resolve().parents[2].parent / "shared"
_HUB = _SHARED / "metric-hub"
_ORACLE = _SHARED / "oracles" / "resolved.json.gz"

pytestmark = pytest.mark.skipif(not _ORACLE.exists(), reason="needs the real files beside the repository")

# The oracle does not say which outcomes it guessed for files that need some; these are the ones that make the same
# summaries in the same order.
_GUESSED = {
    "account-spotlight-modal-english-holdback-esr": ("spotlight_engagement",),
    "accounts-vpn-promotion": ("spotlight_engagement",),
    "impact-of-race-cache-with-network-feature": ("networking",),
    "release-android-onboarding-redesign": ("default-browser",),
    "speculative-connect-sockets": ("networking",),
    "speculative-connect-sockets-increased-population": ("networking_performance", "page_load_performance_minimal"),
}

# What the existing parser refuses, and why it is otherwise here.
_ALSO_RESOLVED = {
    # A metric that another one is made of needs no statistics of its own.
    "yelp-suggestions-pilot-v3",
}

# Expressions that differ on purpose.
_OTHER_EXPRESSIONS = {
    # The existing parser loses an experiment's own parameters when it merges the defaults, and so uses the outcome's
    # example value for a branch that does not exist.
    ("account-spotlight-modal-english-holdback-esr", "spotlight_impressions"),
    ("account-spotlight-modal-english-holdback-esr", "spotlight_clicks"),
    ("account-spotlight-modal-english-holdback-esr", "spotlight_dismisses"),
    ("accounts-vpn-promotion", "spotlight_impressions"),
    ("accounts-vpn-promotion", "spotlight_clicks"),
    ("accounts-vpn-promotion", "spotlight_dismisses"),
}

_Json = Any  # as `json.loads` has it


@pytest.fixture(scope="module")
def oracle() -> dict[str, _Json]:
    content: dict[str, _Json] = json.loads(gzip.decompress(_ORACLE.read_bytes()))
    return content


@pytest.fixture(scope="module")
def slugs() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (_HUB / "jetstream").glob("*.toml")))


def _experiment(slug: str, app_name: str, definitions: Definitions, outcomes: Iterable[str] = ()) -> LaunchedExperiment:
    own = definitions.experiment_file(slug)
    named = [own.experiment.reference_branch] if own and own.experiment.reference_branch else []
    return LaunchedExperiment(
        slug=slug,
        source="the oracle",
        branches=tuple(Branch(name) for name in dict.fromkeys(["control", "treatment", *named])),
        app_name=app_name,
        start_date=date(2026, 5, 4),
        proposed_enrollment=7,
        outcomes=tuple(outcomes),
    )


def test_every_real_file_resolves_to_what_the_existing_parser_says(
    oracle: dict[str, _Json], conventions: Conventions
) -> None:
    definitions = Definitions.load([_HUB])
    texts = [
        (_words(definition["select_expression"]), definition["from_expression"]) for definition in oracle["definitions"]
    ]
    differences = []

    for slug, expected in oracle["experiments"].items():
        outcomes = (*expected["outcomes"], *_GUESSED.get(slug, ()))
        experiment = _experiment(slug, expected["app"], definitions, outcomes)
        config = resolve(experiment, definitions, conventions=conventions).config
        differences += [(slug, *difference) for difference in _differences(config, expected, texts, oracle)]
        if config.exclusions != ExclusionRules():  # everybody counts, in each of their branches
            differences.append((slug, "exclusions", config.exclusions))

    assert differences == []
    assert len(oracle["experiments"]) == 368


def test_what_the_existing_parser_refuses_is_refused_with_the_file_that_is_wrong(
    oracle: dict[str, _Json], slugs: tuple[str, ...], conventions: Conventions
) -> None:
    definitions = Definitions.load([_HUB])
    refused = [slug for slug in slugs if slug not in oracle["experiments"] and slug not in _ALSO_RESOLVED]

    for slug in refused:
        experiment = _experiment(slug, "firefox_desktop", definitions)
        with pytest.raises(ConfigError, match=rf"(?s){slug}\.toml.*(is not defined|needs select_expression)"):
            resolve(experiment, definitions, conventions=conventions)

    assert len(refused) == 9


@pytest.mark.parametrize("slug", sorted(_ALSO_RESOLVED))
def test_what_only_the_existing_parser_refuses_resolves(slug: str, conventions: Conventions) -> None:
    definitions = Definitions.load([_HUB])

    config = resolve(_experiment(slug, "firefox_desktop", definitions), definitions, conventions=conventions).config

    assert config.periods


def test_an_experiment_resolves_to_the_same_whatever_was_resolved_before_it(
    oracle: dict[str, _Json], conventions: Conventions
) -> None:
    slugs = list(oracle["experiments"])[::12]
    used = Definitions.load([_HUB])

    def config(slug: str, definitions: Definitions) -> ExperimentConfig:
        outcomes = (*oracle["experiments"][slug]["outcomes"], *_GUESSED.get(slug, ()))
        experiment = _experiment(slug, oracle["experiments"][slug]["app"], definitions, outcomes)
        return resolve(experiment, definitions, conventions=conventions).config

    forwards = [config(slug, used) for slug in slugs]
    backwards = [config(slug, used) for slug in reversed(slugs)]

    assert forwards == backwards[::-1] == [config(slug, Definitions.load([_HUB])) for slug in slugs]


def _differences(
    config: ExperimentConfig, expected: dict[str, _Json], texts: list[tuple[str, str]], oracle: dict[str, _Json]
) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = [
        (key, ours, theirs)
        for key, ours, theirs in (
            ("segments", [segment.name for segment in config.segments], expected["segments"]),
            ("enrollment_period", config.enrollment_days, expected["enrollment_period"]),
            ("analysis_unit", config.analysis_unit.value, expected["analysis_unit"]),
            ("sample_size", config.sample_size, expected["sample_size"]),
            ("exposure_signal", config.exposure_signal is not None, expected["has_exposure_signal"]),
            ("enrollment_query", config.enrollment_kind == "custom", expected["has_custom_enrollment_query"]),
            ("skip", config.skip, expected["skip"]),
            ("is_private", config.is_private, expected["is_private"]),
            ("end_date", str(config.end_date), expected["end_date"]),
            ("start_date", str(config.start_date), expected["start_date"].replace("None", "2026-05-04")),
        )
        if ours != theirs
    ]
    periods = {period.period.value: period.summaries for period in config.periods}
    theirs = {period: summaries for period, summaries in expected["periods"].items() if summaries}
    if set(periods) != set(theirs):
        return [*found, ("periods", sorted(periods), sorted(theirs))]
    metrics = {metric.name: metric for metric in config.metrics}
    sources = {source.name: source for source in config.data_sources}
    for period, summaries in periods.items():
        ours = [(summary.metric, summary.statistic.name) for summary in summaries]
        if ours != [(summary["metric"], summary["statistic"]) for summary in theirs[period]]:
            found.append((period, "summaries", ours))
            continue
        for summary, resolved in zip(summaries, theirs[period], strict=True):
            metric = metrics[summary.metric]
            treatments = [[step.name, json.loads(step.arguments)] for step in summary.statistic.pre_treatments]
            expression, rows = texts[resolved["definition"]]
            kind = oracle["definitions"][resolved["definition"]]["experiments_column_type"]
            same = {
                "params": _same_parameters(summary.metric, summary.statistic, Period(period), resolved["params"]),
                "pre_treatments": treatments == resolved["pre_treatments"],
                "data_source": metric.data_source == resolved["data_source"],
                "depends_on": list(metric.depends_on) == list(dict.fromkeys(resolved["depends_on"])),
                "bases": sorted(basis.value for basis in metric.bases) == sorted(resolved["bases"]),
            }
            if metric.data_source is not None:
                source = sources[metric.data_source]
                same["from_expression"] = _same_rows(source.from_expression, rows)
                same["experiments_column_type"] = source.experiments_column_type == kind
                if (config.slug, metric.name) not in _OTHER_EXPRESSIONS:
                    same["select_expression"] = _words(metric.select_expression or "") == expression.replace(
                        "{experiment_slug}", config.slug
                    ).replace("{{", "{").replace("}}", "}")
            found += [(period, metric.name, key) for key, equal in same.items() if not equal]
    return found


def _words(text: str | None) -> str:
    # The existing parser's TOML library takes a line break and what follows it out of some texts.
    return "".join((text or "").split())


def _same_rows(ours: str, theirs: str) -> bool:
    """The existing parser fills `{dataset}` and doubled braces later than when the oracle was written.

    Ours leaves out the space at the end, behind which an alias or a comment could stand.
    """
    pattern = re.escape(theirs.rstrip()).replace(re.escape("{dataset}"), r"\w+")
    pattern = pattern.replace(re.escape("{{"), re.escape("{")).replace(re.escape("}}"), re.escape("}"))
    return re.fullmatch(pattern, ours) is not None


def _same_parameters(metric: str, ours: Statistic, period: Period, theirs: dict[str, _Json]) -> bool:
    adjustment = theirs.get("covariate_adjustment")
    covariate = None
    if isinstance(adjustment, dict) and not period.before_enrollment:
        covariate = Covariate(str(adjustment.get("metric", metric)), Period(str(adjustment["period"])))
    given = {key: value for key, value in theirs.items() if key != "covariate_adjustment"}
    return json.loads(ours.parameters) == given and ours.covariate == covariate
