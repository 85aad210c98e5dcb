"""What templates come to."""

from datetime import date

import pytest

from jetstream_argo.config.schema import FunctionSpec
from jetstream_argo.config.templates.fill import (
    TemplateError,
    TemplateExperiment,
    Templates,
    fill_braces,
    identifier,
    literal,
)

_EXPERIMENT = TemplateExperiment("exp", "fenix", 7, date(2026, 5, 4), None, "control", ("control", "treatment"))
_FUNCTIONS = {"agg_sum": FunctionSpec(definition="COALESCE(SUM({select_expr}), 0)")}


def test_a_function_puts_its_argument_into_its_definition() -> None:
    assert Templates(_FUNCTIONS).fill('{{agg_sum("x")}} > 0') == "COALESCE(SUM(x), 0) > 0"


def test_a_text_without_templates_stays_as_it_is_but_for_a_last_line_break() -> None:
    assert Templates({}).fill("SUM(x)\n") == "SUM(x)"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{agg_smu('x')}}", "'agg_smu' is undefined"),
        ("{{experiment.slgu}}", "has no attribute 'slgu'"),
        ("{{agg_sum('x'}}", "unexpected"),
        ("{{agg_sum()}}", "missing 1 required positional argument"),
        ("{{1 / 0}}", "division by zero"),
        ("{{experiment.__class__.__mro__}}", "unsafe"),
        ("{{experiment.end_date_str}}", "end date of an experiment that has none"),
    ],
)
def test_a_template_that_cannot_be_filled_says_why(template: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        Templates(_FUNCTIONS).fill(template, experiment=_EXPERIMENT)


def test_a_function_whose_definition_is_wrong_is_named() -> None:
    templates = Templates({"bad": FunctionSpec(definition="SUM({x})")})

    with pytest.raises(TemplateError, match=r"calls bad, whose definition has \{x\}"):
        templates.fill("{{bad('y')}}")


def test_templates_know_the_dates_of_the_experiment() -> None:
    text = "{{experiment.normandy_slug}} {{experiment.start_date_str}} {{experiment.last_enrollment_date_str}}"

    # Units enroll until 7 days after the first date, which the existing system counts in addition to it.
    assert Templates({}).fill(text, experiment=_EXPERIMENT) == "exp 2026-05-04 2026-05-11"


def test_a_data_source_is_a_template_only_where_it_speaks_of_the_experiment() -> None:
    templates = Templates({})

    assert templates.fill_from_experiment("'{{experiment.slug}}' {x}", _EXPERIMENT) == "'exp' {x}"
    assert templates.fill_from_experiment("'{{d10d0bf8-f5b5-c8b4}}'", _EXPERIMENT) == "'{{d10d0bf8-f5b5-c8b4}}'"
    assert templates.fill_from_experiment("'{{abc}}'", _EXPERIMENT) == "'{{abc}}'"


def test_braces_name_what_is_replaced_and_doubled_ones_are_braces() -> None:
    assert fill_braces("{dataset}.t WHERE x = '{{y}}'", dataset="fenix") == "fenix.t WHERE x = '{y}'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("REGEXP_CONTAINS(x, 'a{2}')", r"has \{2\}, where only \{slug\} can be replaced; double the braces"),
        ("{slgu}", r"has \{slgu\}"),
        ("{", "has a brace that stands alone"),
        ("}", "has a brace that stands alone"),
        ("{slug.__class__}", r"has \{slug.__class__\}"),
        ("{slug!r}", "stands alone or is formatted"),
        ("{slug:{slug}}", "stands alone or is formatted"),
    ],
)
def test_a_brace_that_means_nothing_is_refused(text: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        fill_braces(text, slug="exp")


def test_literals_are_quoted_and_escaped() -> None:
    assert literal("a'b\\c\n") == "'a\\'b\\\\c\\n'"
    assert literal(date(2026, 5, 4)) == "DATE '2026-05-04'"
    assert (literal(True), literal(7), literal(0.5)) == ("TRUE", "7", "0.5")
    with pytest.raises(TemplateError, match="takes text, numbers and dates"):
        literal(None)


def test_identifiers_are_quoted_part_by_part() -> None:
    assert identifier("client_info.client_id") == "`client_info`.`client_id`"
    with pytest.raises(TemplateError, match="takes a column's name"):
        identifier("a`b")
