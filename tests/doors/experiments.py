"""One-file experiments: a good one, and many that each are bad in a way of their own."""

import json
from collections.abc import Mapping

GOOD = """
[experiment]
slug = "micro"
app_name = "demo_browser"
branches = ["control", "compact", "wide"]
reference_branch = "control"
start_date = "2026-03-02"
enrollment_period = 3
segments = []
end_date = "2026-03-12"
enrollment_query = \"\"\"
SELECT client_id AS analysis_id, branch, MIN(submission_date) AS enrollment_date, COUNT(*) AS num_enrollment_events
FROM demo.assignments
WHERE experiment = 'sidebar-layout' -- here
  AND submission_date BETWEEN '{{ experiment.start_date_str }}' AND '{{ experiment.last_enrollment_date_str }}'
GROUP BY client_id, branch
\"\"\"
[experiment.exposure_signal]
name = "opened_sidebar"
data_source = "interactions"
select_expression = "event_name = 'sidebar_opened'"
window_start = "analysis_window_start"
window_end = "analysis_window_end"
[data_sources.activity]
from_expression = "demo.daily_activity"
experiments_column_type = "none"
[data_sources.interactions]
from_expression = "demo.interactions"
experiments_column_type = "none"
[metrics]
overall = ["active_hours"]
[metrics.active_hours]
data_source = "activity"
select_expression = "COALESCE(SUM(active_hours), 0)"
[metrics.active_hours.statistics.linear_model_mean]
"""

_HERE = "-- here"
_PERIOD = "enrollment_period = 3"
_SUM = '"COALESCE(SUM(active_hours), 0)"'


def changed(old: str, new: str) -> str:
    """Return the good experiment with a part of it replaced."""
    assert old in GOOD
    return GOOD.replace(old, new)


# What is bad, the file, and what the message must say beside the file's name.
BAD: Mapping[str, tuple[str, str]] = {
    "never-ends": (changed('"2026-03-12"', '"9999-12-31"'), "experiment.end_date: is '9999-12-31'"),
    "long-ago": (changed('"2026-03-02"', "0001-01-01"), "experiment.start_date"),
    "no-such-day": (changed('"2026-03-02"', "2026-02-31"), "is not valid TOML"),
    "jinja-loop": (
        changed(_HERE, "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}"),
        "experiment.enrollment_query: is a template that cannot be filled: it takes too many steps",
    ),
    "jinja-memory": (changed(_HERE, "{{ 'a' * 3000000000 }}"), "experiment.enrollment_query"),
    "jinja-recursion": (
        changed(_HERE, "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"),
        "experiment.enrollment_query: is a template that cannot be filled: it calls itself",
    ),
    "jinja-date": (
        changed(_HERE, "{{ experiment.start_date.replace(year=99999) }}"),
        "experiment.enrollment_query: is a template that cannot be filled: year 99999 is out of range",
    ),
    "jinja-brackets": (
        changed(_HERE, "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}"),
        "experiment.enrollment_query",
    ),
    "long-chain": (
        changed(_SUM, '"SUM(active_hours' + "+1" * 4000 + ')"'),
        "metrics.active_hours.select_expression: has more than 400 operators in a row",
    ),
    "sql-brackets": (
        changed(_SUM, '"SUM(' + "(" * 3000 + "active_hours" + ")" * 3000 + ')"'),
        "metrics.active_hours.select_expression: has more than 100 brackets",
    ),
    "sql-subqueries": (
        changed('"demo.daily_activity"', '"' + "(SELECT * FROM " * 5000 + "demo.daily_activity" + ")" * 5000 + '"'),
        "data_sources.activity.from_expression: has more than 100 brackets",
    ),
    "sql-index": (changed(_SUM, '"SUM(x' + "[0]" * 60_000 + ')"'), "metrics.active_hours.select_expression"),
    "sql-types": (
        changed(_SUM, '"SUM(CAST(x AS ' + "ARRAY<" * 20_000 + "INT64" + ">" * 20_000 + '))"'),
        "metrics.active_hours.select_expression",
    ),
    "sql-signal": (
        changed("\"event_name = 'sidebar_opened'\"", '"' + "NOT " * 5000 + 'TRUE"'),
        "experiment.exposure_signal.select_expression",
    ),
    "sql-unfinished": (changed(_SUM, '"SUM(\'active_hours)"'), "metrics.active_hours.select_expression"),
    "large-number": (
        changed(_PERIOD, "enrollment_period = " + "9" * 5000),
        "a value that cannot be read",
    ),
    "large-hexadecimal": (changed(_PERIOD, "enrollment_period = 0x" + "f" * 5000), "more than 64 bits"),
    "long-enrollment": (
        changed(_PERIOD, "enrollment_period = 999999999"),
        "experiment.enrollment_period",
    ),
    "not-a-number": (changed(_PERIOD, "enrollment_period = nan"), "experiment.enrollment_period"),
    "deep-lists": (changed("segments = []", "segments = " + "[" * 3000 + "]" * 3000), "too deep to read"),
    "deep-tables": (GOOD + "[a" + ".a" * 3000 + "]\n", "is deeper than 32 tables"),
    "fox": (
        changed("segments = []", 'segments = ["🦊"]')
        + '[segments."🦊"]\ndata_source="s"\nselect_expression="COUNT(*)>0"\n'
        + '[segments.data_sources.s]\nfrom_expression="demo.daily_activity"\n',
        "segments.🦊: is not a name",
    ),
    "branch": (changed('"compact"', '"com`pact"'), "experiment.branches"),
    "outcome": (changed("segments = []", 'outcomes = ["../../secret"]'), "is not the name of an outcome's file"),
    "application": (changed('"demo_browser"', '".."'), "experiment.app_name"),
    "long-name": (changed('"demo_browser"', '"' + "a" * 10_000 + '"'), "experiment.app_name"),
    "dataset": (changed("segments = []", 'dataset_id = "a`b"'), "is not a name: write dataset or project.dataset"),
    "empty": ("", "experiment.slug"),
    "no-toml": ("[[[", "is not valid TOML"),
    "no-text": ("\udcff", "is not UTF-8 text"),
}


def experimenter(**changes: object) -> dict[str, object]:
    """Return an experiment as Experimenter's API has it, with some of it changed."""
    return {
        "slug": "from-api",
        "appName": "demo_browser",
        "branches": [{"slug": "control", "ratio": 1}, {"slug": "treatment", "ratio": 1}],
        "startDate": "2026-03-02",
        "proposedEnrollment": 3,
        "endDate": "2026-03-12",
        "referenceBranch": "control",
        **changes,
    }


BAD_JSON: Mapping[str, tuple[str, str]] = {
    "long-application": (json.dumps(experimenter(appName="a" * 10_000)), "appName"),
    "application-outside": (json.dumps(experimenter(appName="..")), "appName"),
    "outcome-outside": (
        json.dumps(experimenter(outcomes=[{"slug": "../../x"}])),
        "is not the name of an outcome's file",
    ),
    "long-ago": (json.dumps(experimenter(startDate="0001-01-01")), "startDate"),
    "far-off": (json.dumps(experimenter(endDate="9999-12-31")), "endDate"),
    "no-day": (json.dumps(experimenter(startDate="2026-02-31")), "startDate"),
    "long-enrollment": (json.dumps(experimenter(proposedEnrollment=10**30)), "proposedEnrollment"),
    "half-a-letter": (json.dumps(experimenter(branches=[{"slug": "\ud800"}])), "branches"),
    "escape": (json.dumps(experimenter(branches=[{"slug": "a\x1b[31m"}])), "experiment.branches"),
    "branch-twice": (json.dumps(experimenter(branches=[{"slug": "a"}, {"slug": "a"}])), "'a' is named twice"),
    "many-branches": (json.dumps(experimenter(branches=[{"slug": "a"}] * 2000)), "'a' is named twice"),
    "deep": ("[" * 100_000, "too deep to read"),
    "deep-inside": ('{"slug": "x", "y": ' + "[" * 3000 + "]" * 3000 + "}", ""),
    "large-number": ('{"slug": ' + "9" * 5000 + "}", "is not JSON"),
    "no-json": ("{", "is not JSON"),
    "no-text": ("\udcff", "is not JSON"),
    "no-object": ("3", "holds 3"),
}
