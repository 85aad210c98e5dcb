from itertools import product

import pytest

from jetstream_argo.argo.manifest import container, target
from jetstream_argo.errors import PlanError
from tests.argo.engine.expression import evaluate
from tests.argo.engine.functions import shown
from tests.argo.engine.substitution import substituted

TARGETS = {"active_hours": ["day-a", "week-a"], "searches": ["week-s"], "identity": ["counts"]}


# Each expected value is what expr v1.17.6 (github.com/expr-lang/expr), the engine that Argo uses, printed.
@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ("", ""),
        (" ", ""),
        ("active_hours", "day-a week-a"),
        ("active_hours, searches", "day-a week-a week-s"),
        ("searches,active_hours,searches", "week-s day-a week-a"),
        ("identity", "counts"),
        ("tpyo", "unknown-metric-tpyo"),
        ("active_hours,,", "day-a week-a unknown-metric-"),
        ("it's", "unknown-metric-it's"),
        ('a"b', 'unknown-metric-a"b'),
        ("#", "unknown-metric-#"),
        ("null", "unknown-metric-null"),
    ],
)
def test_the_target_expression_gives_what_argos_engine_gives(metrics, expected):
    assert _value(target.of_graph(TARGETS), metrics) == expected


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ("", ""),
        (" ", ""),
        ("active_hours", "day-a week-a"),
        ("searches, active_hours,searches", "week-s day-a week-a"),
        ("elsewhere,searches", "week-s"),
        ("elsewhere", "day-a"),  # the first: Argo takes no target for all of them
        (",", "day-a"),
    ],
)
def test_a_choice_that_has_nothing_of_a_group_is_never_all_of_it(metrics, expected):
    assert _value(target.of_group(TARGETS), metrics) == expected


@pytest.mark.parametrize("name", ["it's", 'a"b', "a\\b", "}}", "{{workflow.uid}}", "🦊", "a\nb", "\\u0027"])
def test_a_metric_of_any_name_is_found_in_the_tables(name):
    targets = {"other": ["x"], name: ["y", "z"]}

    assert _value(target.of_graph(targets), name) == "y z"
    assert _value(target.of_group(targets), name) == "y z"


def _value(expression, metrics):
    assert expression.count("{{") == expression.count("}}") == 1
    return substituted(expression, {"workflow.parameters.metrics": metrics})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", "7"),
        ("2 ** 3 ** 2", "512"),
        ("-2 ** 2", "-4"),
        ("1 - 2 - 3", "-4"),
        ("10 / 4", "2.5"),
        ("7 % 4", "3"),
        ("!(1 == 1) || 2 in [1,2]", "true"),
        ("not (1 < 2) and true", "false"),
        ("""'a' + 'b' == "ab" ? 'y' : 'n'""", "y"),
        ("a.b['c-d'] ?? 'none'", "v"),
        ("a.b['zz'] ?? 'none'", "none"),
        ("any([1,2,3], {# > 2})", "true"),
        ("join(map(['a', 'b'], {# + '!'}), ' ')", "a! b!"),
        ("max(1,2.5)", "2.5"),
        ("true ? 1 : false ? 2 : 3", "1"),
        ("1 in [2] == false", "true"),
        ("[1,2,3][1]", "2"),
        ("min(3072, 384 * (2 ** 1))", "768"),
        ("min(3072, 384 * (2 ** 9))", "3072"),
    ],
)
def test_an_expression_gives_what_argos_engine_gives(text, expected):
    assert shown(evaluate(text, {"a": {"b": {"c-d": "v"}}})) == expected


@pytest.mark.parametrize(
    ("status", "exit_code", "message"),
    [*product(["Error", "Failed"], ["-1", "1", "2", "64", "75", "137", "143"], ["", "OOMKilled (exit code 137)"])],
)
def test_a_pod_is_retried_for_passing_reasons_only(status, exit_code, message):
    last = {"status": status, "exitCode": exit_code, "message": message, "duration": "3"}

    expected = status == "Error" or exit_code in ("75", "137", "143") or message != ""
    assert evaluate(container.RETRY_EXPRESSION, {"lastRetry": last}) is expected


@pytest.mark.parametrize("text", ["1 +", "now()", "let x = 1; x", "'open", "a ? b", "1 2", "count([1], {# > 1})", ""])
def test_what_is_no_expression_or_is_not_implemented_is_refused(text):
    with pytest.raises(PlanError, match="expression "):
        evaluate(text, {})


@pytest.mark.parametrize("text", ["1 || true", "missing", "'a' + 1", "asInt('x')", "'a' matches '('"])
def test_an_expression_that_fails_says_which_one(text):
    with pytest.raises(PlanError, match="expression "):
        evaluate(text, {})


def test_tags_end_at_the_first_closing_braces():
    assert substituted("{{a}}-{{= asInt(retries) + 1 }}}}", {"a": "x", "retries": "2"}) == "x-3}}"


def test_an_unknown_tag_is_refused():
    with pytest.raises(PlanError, match=r"\{\{b\}\}: is not known here; known are a"):
        substituted("{{b}}", {"a": "x"})
