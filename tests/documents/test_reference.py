"""The pages that are made from the program say all of it."""

from datetime import date
from pathlib import Path

import click

from docs.generate import commands, configuration
from jetstream_argo.cli.main import commands as program
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.svg import svg
from jetstream_argo.plan.planner import ConfigSources, plan_experiment
from jetstream_argo.stats.registry import METHODS

ROOT = Path(__file__).parents[2]


def test_every_command_and_option_is_on_the_page_of_commands() -> None:
    page = commands.page()

    context = click.Context(program)
    for name in program.list_commands(context):
        command = program.get_command(context, name)
        assert command is not None
        _, _, section = page.partition(f"### `{name}` ")
        section = section.partition("\n### ")[0]
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert all(f"`{option}" in section for option in parameter.opts)


def test_every_key_period_and_statistic_is_on_the_page_of_configuration() -> None:
    page = configuration.page()

    for heading, models in {**configuration.SECTIONS, **configuration.CONVENTIONS}.items():
        _, _, section = page.partition(f"# `{heading}`\n" if heading.startswith("[") else "### Keys without a section")
        section = section.partition("\n#")[0]
        for model in models:
            assert all(f"| `{name}` |" in section for name, _ in configuration.keys(model)), heading
    assert all(f"| `{period.key}` | `{period.value}` |" in page for period in Period)
    assert all(f"| `{name}` |" in page for name in METHODS)


def test_no_meaning_is_told_of_a_key_that_there_is_not() -> None:
    sections = {**configuration.SECTIONS, **configuration.CONVENTIONS}
    known = {
        heading: {name for model in models for name, _ in configuration.keys(model)}
        for heading, models in sections.items()
    }

    for heading, meaning in configuration.meanings().items():
        assert set(meaning) <= known[heading]


def test_the_picture_of_a_workflow_is_that_of_the_example() -> None:
    plan = plan_experiment(str(ROOT / "examples/shop/checkout.toml"), ConfigSources(), as_of=date(2026, 6, 15)).plan

    # jetstream-argo graph examples/shop/checkout.toml --as-of 2026-06-15 --svg docs/images/workflow.svg
    assert (ROOT / "docs/images/workflow.svg").read_text(encoding="utf-8") == svg(build_dag(plan))
