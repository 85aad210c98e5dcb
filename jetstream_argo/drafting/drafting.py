"""Drafts a configuration: what is not given is guessed from the tables, and what cannot be guessed is asked for."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from jetstream_argo.drafting import guesses
from jetstream_argo.drafting.draft import ConfigDraft, Measured, week_before
from jetstream_argo.drafting.facts import Assignments, TableFacts, assignments, experiments_in, table_facts
from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.warehouse.protocol import Engine

# Returns the answer to a question: which option it is of, what it is about, the guess, and what can be chosen.
Ask = Callable[[str, str, str | None, Sequence[str]], str]
_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class DraftAnswers:
    """The answers that a person has given already; empty where there is none."""

    slug: str = ""
    assigned_in: str = ""
    unit: str = ""
    branch: str = ""
    assigned_on: str = ""
    reference: str = ""
    start: date | None = None
    measures: tuple[str, ...] = ()


def drafted(engine: Engine, tables: Sequence[str], answers: DraftAnswers, ask: Ask) -> ConfigDraft:
    """Return a draft from `tables`, the tables that there are to choose from.

    Raises:
        ConfigError: the tables do not have what an experiment needs.
        NotFound: a table that was named is not there.
    """
    known = {name: table_facts(engine, name) for name in (*tables, *answers.measures, answers.assigned_in) if name}
    where = answers.assigned_in or ask(
        "--assignments", "Table of who is in which branch", _assigned(known), tuple(known)
    )
    facts = known[where] if where in known else table_facts(engine, where)
    columns = facts.names()
    unit = answers.unit or ask("--unit", f"Column of {where} that names the unit", guesses.unit_column(facts), columns)
    branch = answers.branch or ask(
        "--branch", f"Column of {where} with the branch", guesses.branch_column(facts), columns
    )
    day = answers.assigned_on or guesses.date_column(facts)
    _check(facts, unit, branch, day)
    slug, experiment = _experiment(engine, facts, answers, ask)
    found = assignments(engine, facts, unit=unit, branch=branch, day=day, experiment=experiment)
    names = [facts_of_branch.name for facts_of_branch in found.branches]
    reference = answers.reference or ask(
        "--reference", "Branch to compare with", guesses.reference_branch(names), names
    )
    if reference not in names:
        raise ConfigError(where, [Problem(branch, f"has no branch {reference!r}; there are {', '.join(names)}")])
    measured = _measured(known, answers, ask, where=where, unit=unit, own=(branch, *(experiment or ())))
    start, days, end = _timeline(found, known, measured, answers)
    return ConfigDraft(
        slug=slug,
        branches=tuple(
            sorted(
                found.branches, key=lambda facts_of_branch: (facts_of_branch.name != reference, facts_of_branch.name)
            )
        ),
        reference=reference,
        start=start,
        enrollment_days=days,
        end=end,
        assigned_in=where,
        unit=unit,
        branch=branch,
        assigned_on=day,
        experiment=experiment,
        measured=measured,
        has_week_before=all(week_before(start, _first(known, table)) for table in measured),
    )


def _assigned(known: dict[str, TableFacts]) -> str | None:
    """Return the table that looks like assignments: with a branch, and rather with a name that says so."""
    with_branch = [name for name, facts in known.items() if guesses.branch_column(facts) is not None]
    telling = [name for name in with_branch if re.search("assign|enrol|expos|allocat", name.lower())]
    return next(iter(telling or with_branch), None)


def _check(facts: TableFacts, unit: str, branch: str, day: str | None) -> None:
    names = facts.names()
    for option, name in (("--unit", unit), ("--branch", branch), ("--assigned-on", day)):
        if name is not None and name not in names:
            what = f"has no column {name!r} ({option}); there are {', '.join(names)}"
            raise ConfigError(facts.name, [Problem("", what)])


def _experiment(
    engine: Engine, facts: TableFacts, answers: DraftAnswers, ask: Ask
) -> tuple[str, tuple[str, str] | None]:
    """Return the slug, and the column and value that tell the experiment's rows, if there is such a column."""
    key = guesses.experiment_column(facts)
    if key is None:
        name = answers.slug or ask(
            "--slug", "Name of the experiment", _SLUG.sub("-", facts.name.lower()).strip("-"), ()
        )
        return name, None
    names = experiments_in(engine, facts, key)
    slug = answers.slug or ask(
        "--slug", f"Experiment, as in column {key}", names[0] if len(names) == 1 else None, names
    )
    if slug not in names:
        raise ConfigError(facts.name, [Problem(key, f"has no experiment {slug!r}; there are {', '.join(names)}")])
    return slug, (key, slug)


def _measured(
    known: dict[str, TableFacts], answers: DraftAnswers, ask: Ask, *, where: str, unit: str, own: Sequence[str]
) -> tuple[Measured, ...]:
    """Return what to measure by; `own` are columns of the assignments in `where` that are no measures."""
    others = [name for name, facts in known.items() if name != where and guesses.unit_column(facts, like=unit)]
    chosen = answers.measures or tuple(others) or (where,)
    found = []
    for name in chosen:
        facts = known[name]
        of_unit = guesses.unit_column(facts, like=unit)
        if of_unit is None:
            of_unit = ask("--unit", f"Column of {name} that names the unit", None, facts.names())
        day = guesses.date_column(facts)
        without = [of_unit, day or "", *(own if name == where else ())]
        numbers, flags = guesses.measures(facts, without)
        source = re.sub(r"\W+", "_", name.rpartition(".")[2])
        found.append(Measured(source, name, of_unit, day, numbers, flags))
    return tuple(found)


def _timeline(
    found: Assignments, known: dict[str, TableFacts], measured: Sequence[Measured], answers: DraftAnswers
) -> tuple[date, int, date]:
    """Return the first date of enrollment, for how many days units enroll, and the date after the last one with rows.

    Raises:
        ConfigError: no table says when the experiment began.
    """
    start = answers.start or found.first
    if start is None:
        raise ConfigError("init", [Problem("--start-date", "is missing: no table has a date; say when it began")])
    last = found.last or start
    lasts = [dates.last for table in measured if (dates := known[table.table].dates.get(table.day or ""))]
    days = max(1, (last - start).days)
    return start, days, max([start + timedelta(days=days), *lasts]) + timedelta(days=1)


def _first(known: dict[str, TableFacts], measured: Measured) -> date | None:
    dates = known[measured.table].dates.get(measured.day or "")
    return None if dates is None else dates.first
