"""What README and docs tell people to do, done."""

import re
import shlex
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import click
import pytest

from jetstream_argo.cli.main import commands, exit_code_of
from jetstream_argo.plan.planner import ConfigSources, plan_experiment
from jetstream_argo.synthetic.generate import generate
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
EXAMPLE = re.compile(r"^```toml\n(\[experiment\]\nslug.*?)^```", re.DOTALL | re.MULTILINE)


def _command_lines() -> Iterator[tuple[str, str]]:
    for document in DOCUMENTS:
        for line in document.read_text(encoding="utf-8").splitlines():
            found = re.match(r"    (?:\.venv/bin/)?jetstream-argo ([^#|]*)", line)
            if found and not found[1].rstrip().endswith(" …"):
                yield document.name, re.sub(r"\[(.*?)\]", r"\1", found[1]).strip()


@pytest.mark.parametrize(("document", "line"), sorted(set(_command_lines())))
def test_every_command_in_the_documents_exists_with_its_options(document: str, line: str) -> None:
    name, *arguments = shlex.split(line)
    command = commands.get_command(click.Context(commands), name)

    assert command is not None
    command.make_context(name, arguments)  # a usage error if there is no such option


def test_the_experiment_of_the_readme_is_analysed_as_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "checkout.toml"
    (example,) = EXAMPLE.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    file.write_text(example)
    planned = plan_experiment(str(file), ConfigSources(), as_of=date(2026, 6, 15))
    assert planned.warnings == ()
    list(generate(planned.plan, EmbeddedEngine(tmp_path / "warehouse"), units=60, seed=3))
    where = ["--warehouse", f"embedded:{tmp_path / 'warehouse'}"]

    codes = [
        exit_code_of(["run", str(file), "--as-of", "2026-06-15", "--jobs", "2", *where]),
        exit_code_of(["results", "new-checkout", "--metrics", "basket", "--format", "csv", *where]),
    ]

    assert codes == [0, 0]
    assert "basket,mean_lm" in capsys.readouterr().out
