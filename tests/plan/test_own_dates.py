"""Which sources of a plan are told to read dates of their own."""

from datetime import date

from jetstream_argo.cli.describe import described
from jetstream_argo.config.model import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.plan.own_dates import costly_sources
from jetstream_argo.terminal.console import EscapingConsole
from tests.worlds.pipeline import experiment, metric, planned, source, summary_of

LATEST = """(
  SELECT a.* FROM telemetry.activity AS a
  JOIN (SELECT client_id FROM telemetry.ids WHERE day >= CURRENT_DATE() - 90) USING (client_id)
)"""


def plan():
    settings = experiment(
        [metric("hours", "SUM(hours)"), metric("late", "SUM(hours)", of="latest")],
        [source("activity"), source("latest", LATEST)],
        {Period.DAY: [summary_of("hours", "linear_model_mean"), summary_of("late", "linear_model_mean")]},
    )
    return planned(settings, as_of=date(2026, 5, 13))


def test_a_source_with_dates_of_its_own_is_named_with_table_condition_and_what_it_costs():
    (sentence,) = costly_sources(plan())

    assert sentence.startswith("latest reads dates of its own: telemetry.ids where day >= CURRENT_DATE - 90.")
    assert "all of that is read, again on every day" in sentence
    assert "a later run counts other rows" in sentence
    assert list(costly_sources(plan(), ["hours"])) == []


def test_the_description_of_a_plan_says_it(capsys):
    made = plan()
    console = EscapingConsole(width=500)

    for part in described(made, build_dag(made)):
        console.print(part)

    assert "latest reads dates of its own: telemetry.ids" in capsys.readouterr().out
