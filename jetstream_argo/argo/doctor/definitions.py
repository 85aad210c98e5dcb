"""Checks that what is to be analysed can be read: conventions, definitions, and the list of experiments."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from jetstream_argo.argo.doctor.checks import DoctorCheck, NotKnownError
from jetstream_argo.argo.due.candidates import candidates
from jetstream_argo.config.conventions.load import load_conventions
from jetstream_argo.config.files.metric_hub import Definitions
from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.terminal.plural import counted

_FUNCTIONS = "functions"


def definition_checks(
    definitions: Callable[[], Sequence[Path]], experiments: str | None, conventions: Sequence[Path]
) -> tuple[DoctorCheck, ...]:
    """Return the checks of what experiments are made from; `definitions` may have to be fetched first."""
    mend = "correct it, or give another"
    return (
        DoctorCheck("conventions", lambda: _conventions(conventions), f"{mend} --conventions"),
        DoctorCheck("definitions", lambda: _definitions(definitions()), f"{mend} --definitions"),
        DoctorCheck("experiments", lambda: _experiments(experiments), f"{mend} --experiments"),
    )


def _conventions(files: Sequence[Path]) -> str:
    found = load_conventions(files)
    return f"{len(found.platforms)} platforms; results go to the dataset {found.default_dataset} by default"


def _definitions(paths: Sequence[Path]) -> str:
    if not paths:
        raise NotKnownError("none are given; experiments then define their own metrics")
    found = Definitions.load(paths)
    problems: list[Problem] = []
    count = 0
    for read in _reads(found):
        count += 1
        try:
            read()
        except ConfigError as error:
            problems.append(Problem("", str(error)))
    if problems:
        raise ConfigError(", ".join(map(str, paths)), problems)
    if not count:
        raise ConfigError(", ".join(map(str, paths)), [Problem("", "has no definitions/*.toml")])
    return f"{counted(count, 'file')} of {', '.join(map(str, paths))} read"


def _reads(definitions: Definitions) -> Iterator[Callable[[], object]]:
    """Yield what reads each file of definitions."""
    for app in _names(definitions, "definitions/*.toml"):
        if app != _FUNCTIONS:
            yield partial(definitions.application, app)
    for app in _names(definitions, "defaults/*.toml"):
        yield partial(definitions.defaults, app)
    for root in definitions.roots:
        for file in sorted(root.glob("outcomes/*/*.toml")):
            yield partial(definitions.outcome, file.stem, file.parent.name)


def _names(definitions: Definitions, pattern: str) -> list[str]:
    return sorted({file.stem for root in definitions.roots for file in root.glob(pattern)})


def _experiments(source: str | None) -> str:
    if not source:
        raise NotKnownError("no list of them is given; the planner needs one")
    found, unreadable = candidates(source)
    if unreadable:
        lines = [Problem(entry.slug, entry.line) for entry in unreadable]
        raise ConfigError(source, lines)
    return f"{len(found)} in {source}"
