"""The pages that are made from the program say all of it."""

import click

from docs.generate import commands, configuration
from jetstream_argo.cli.main import commands as program
from jetstream_argo.config.model import Period
from jetstream_argo.stats.registry import METHODS


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
    models = [
        model
        for section in (configuration.SECTIONS, configuration.CONVENTIONS)
        for of in section.values()
        for model in of
    ]
    known = {model.__name__.lstrip("_"): {name for name, _ in configuration.keys(model)} for model in models}

    assert {name: set(told) - known.get(name, set()) for name, told in configuration.meanings().items()} == {
        name: set() for name in configuration.meanings()
    }
