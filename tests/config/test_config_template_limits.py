"""A template that takes long, grows large or calls itself is refused at once, in a bounded space."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jetstream_argo.config.schema import FunctionSpec
from jetstream_argo.config.templates.fill import TemplateError, TemplateExperiment, Templates

_EXPERIMENT = TemplateExperiment("exp", "app", 7, date(2026, 5, 4), date(2026, 6, 1), "old", ("old", "new"))
_FUNCTIONS = {"twice": FunctionSpec(definition="{select_expr}{select_expr}")}
_DOUBLE = "{% set x = x ~ x %}" * 60
_NESTED = "{% set x = [x, x] %}" * 60


def _filled(text: str) -> str:
    return Templates(_FUNCTIONS).fill(text, experiment=_EXPERIMENT)


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% set y = j %}{% endfor %}{% endfor %}",
        "{% for i in range(9999999999) %}x{% endfor %}",
        "{% for i in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}",
        "{% set s %}{% for i in range(99999) %}" + "x" * 5000 + "{% endfor %}{% endset %}{{ s }}",
        "{{ 'a' * 3000000000 }}",
        "{{ 3000000000 * 'a' }}",
        "{{ ['a'] * 3000000000 }}",
        "{{ 10 ** 10000000000 }}",
        "{% set x = 10 ** 1000 %}{{ x * x * x * x }}",
        "{{ '%3000000000d' % 1 }}",
        "{{ '{:3000000000}'.format(1) }}",
        "{{ 'a'.ljust(3000000000) }}",
        "{{ 'a'.zfill(3000000000) }}",
        "{{ 'aaaa'.replace('a', 'b') }}",
        "{{ 'a'.join('bc') }}",
        "{{ 'a' | center(3000000000) }}",
        "{{ 'a' | indent(3000000000) }}",
        "{{ 'a' | format(1) }}",
        "{{ lipsum(n=1000000) }}",
        "{{ range(99999) | join('" + "x" * 5000 + "') }}",
        "{{ ('a' * 100000) | replace('', 'b' * 100000) }}",
        "{{ experiment.start_date.strftime('%3000000000Y') }}",
        "{% set x = 'aa' %}" + _DOUBLE + "{{ x }}",
        "{% set n = namespace(x='aa') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}",
        "{% set n = namespace(x='aa') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x }}",
        "{% set x = [1] %}" + _NESTED + "{{ x }}",
        "{% set x = [1] %}" + _NESTED + "{{ x == x }}",
        "{% set x = [1] %}" + _NESTED + "{{ x | string }}",
        "{% set x = dict(a=1) %}" + "{% set x = {'a': x, 'b': x} %}" * 60 + "{{ x }}",
        "{% set l = [1] %}{{ l.append(l) }}{{ l }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f(n) %}{{ f(n + 1) }}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
        "{% macro f() %}" + "x" * 9000 + "{% endmacro %}{% for i in range(99999) %}{{ f() }}{% endfor %}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{{ " + "[" * 3000 + "]" * 3000 + " }}",
        "{{ 1" + "+1" * 4000 + " }}",
        "{{ " + "not " * 4000 + "1 }}",
        "{% if 1 %}" * 500 + "{% endif %}" * 500,
        "{% for i in [1] %}" * 50 + "{% endfor %}" * 50,
        "{{ " + "twice(" * 40 + "'aaaa'" + ")" * 40 + " }}",
        "{{ experiment.start_date.replace(year=99999) }}",
        "{{ experiment.start_date.replace(year='x') }}",
        "{{ experiment.branches[99] }}",
        "{{ 'a' | _flat }}",
        "{% include 'x' %}",
        "{% import 'x' as x %}",
        "{% extends 'x' %}",
        "{{ 1 / 0 }}",
        "{{ " + "9" * 5000 + " }}",
        "x" * 300_000 + "{{ 1 }}",
        "{{",
    ],
    ids=lambda template: template[:40],
)
def test_it_is_one_clear_error(template: str) -> None:
    with pytest.raises(TemplateError, match="is a template that cannot be filled"):
        _filled(template)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{% for b in experiment.branches %}{{ b }}{% if not loop.last %}, {% endif %}{% endfor %}", "old, new"),
        ("{{ experiment.branches | join(\"', '\") }}", "old', 'new"),
        ("{{ experiment.branches | map('upper') | list }}", "['OLD', 'NEW']"),
        ("{{ experiment.start_date.strftime('%Y%m%d') }}", "20260504"),
        ("{{ experiment.slug | replace('e', 'E') ~ '_' ~ experiment.enrollment_period * 2 }}", "Exp_14"),
        ("{% set days = [1, 2] %}{{ days[0] + days | length }}", "3"),
        ("{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f(1) }}{{ f('a') }}", "<1><a>"),
        ("{% for a, b in [(1, 2), (3, 4)] %}{{ a + b }} {% endfor %}", "3 7 "),
        ("{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}", "a1"),
        ("{{ 'A' if experiment.reference_branch == 'old' else 'B' }}", "A"),
        ("{{ twice('x') }}", "xx"),
        ("{{ 7 // 2 }} {{ 7 % 2 }} {{ -2 ** 3 }} {{ '  x ' | trim }} {{ 'a,b'.split(',') | last }}", "3 1 -8 x b"),
        ("{% set n = namespace(x=0) %}{% for i in range(9) %}{% set n.x = n.x + i %}{% endfor %}{{ n.x }}", "36"),
    ],
)
def test_what_people_write_works_as_before(template: str, text: str) -> None:
    assert _filled(template) == text


_PIECES = st.sampled_from(
    [
        *"{{_}}_{%_%}_for x in _range(9999)_endfor_if _endif_set y = _x_y_'a'_macro f()_endmacro_f()_loop_not ".split(
            "_"
        ),
        *" * _ ** _ ~ _ + _99999_[_]_(_)_, _ | join_ | list_ | string_twice(_.replace(year=1)".split("_"),
        *("experiment", ".branches", ".start_date"),
    ]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # of a busy machine
@given(st.lists(_PIECES, max_size=40).map("".join))
def test_whatever_is_written_is_filled_or_refused(template: str) -> None:
    with suppress(TemplateError):
        assert len(_filled(template)) <= 1024 * 1024
