"""What is said of an experiment as a whole, before any of its numbers."""

import io
import json
from datetime import date

import pytest
from rich.console import Console

from jetstream_argo.report.exports import metadata, statistic_rows
from jetstream_argo.report.facts import NOTHING, BranchUnits, Changed, Facts, LeftOut, Units, Unseen, facts_of
from jetstream_argo.report.results import Filters, read_estimates, with_units
from jetstream_argo.report.sentences import sentences
from jetstream_argo.report.status import status_report
from jetstream_argo.report.status_tables import status_json, status_tables
from jetstream_argo.report.tables import estimate_tables
from jetstream_argo.sql import names
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.warehouse.protocol import Engine
from tests.worlds import report as small

PLACE = names.Place("analysis", "new-tab")
MISSPELT = {
    "branches": {"old": {"units": 3, "exposed": 1}, "nwe": {"units": 0, "exposed": 0}},
    "left_out": {"new": 5},
    "in_several": 2,
}
UNITS = Units((BranchUnits("old", 3, 1), BranchUnits("nwe", 0, 0)), (LeftOut("new", 5),), 2)
TOLD = (
    "branch 'nwe' has no units",
    "5 units are left out: they are in 'new', which is no branch",
    "2 rows are of units in several branches, and count in each of them",
)


def enrolled(facts: object = MISSPELT, hour: int = 0) -> Entry:
    return small.entry(
        Kind.ENROLLMENTS, hour=hour, node="enrollments", table=names.enrollments(PLACE), facts=json.dumps(facts)
    )


def look(day: int, hour: int, **rows: int) -> Entry:
    when = date(2026, 5, day)
    facts = json.dumps({"changed_upstream": {when.isoformat(): rows}}) if rows else ""
    return small.entry(Kind.LOOK, hour=hour, table="t", source="clients", first_date=when, last_date=when, facts=facts)


def read(day: int, hour: int, *keys: str, state: State = State.COMPUTED, **facts: object) -> Entry:
    when = date(2026, 5, day)
    made = {"table": "t", "source": "clients", "first_date": when, "last_date": when, "keys": keys, **facts}
    return small.entry(Kind.PARTIALS, state, hour, **made)


def test_units_of_branches_and_of_no_branch_are_those_that_were_counted_last() -> None:
    before = {**MISSPELT, "left_out": {}}

    assert facts_of([enrolled(before), enrolled(hour=1)]).units == UNITS
    assert facts_of([]) == NOTHING


def test_everything_that_changes_how_numbers_are_read_is_a_sentence() -> None:
    assert tuple(sentences(Facts(UNITS))) == TOLD
    assert tuple(sentences(Facts(Units((BranchUnits("old", 3, 1), BranchUnits("new", 4, 0)))))) == ()


def test_tables_of_which_versions_are_unknown_are_told_with_what_would_mend_it() -> None:
    known = read(1, 1, "p", facts=json.dumps({"undated": ["d.countries"]}))
    refused = read(2, 2, "p", table="u", facts=json.dumps({"unknown_versions": {"d.clients": "grant metadataViewer"}}))

    facts = facts_of([known, refused])

    assert facts.unseen == (Unseen("d.clients", "grant metadataViewer"), Unseen("d.countries", ""))
    assert list(sentences(facts)) == [
        "of d.clients it is not known when dates are there or change: grant metadataViewer"
    ]
    assert facts_of([refused, read(2, 3, "p", table="u")]).unseen == ()


def test_dates_are_waited_for_until_they_were_read() -> None:
    waiting = read(13, 1, state=State.WAITING, message="clients of 2026-05-13 is not loaded yet (newest: 2026-05-12)")

    assert [event.message for event in facts_of([waiting]).waiting] == [waiting.message]
    assert len(facts_of([waiting, waiting]).waiting) == 1
    assert len(facts_of([waiting, read(12, 2, "p")]).waiting) == 1
    assert facts_of([waiting, read(13, 2, "p")]).waiting == ()


def test_a_change_upstream_is_told_until_all_that_was_read_was_read_again() -> None:
    seen = [read(13, 1, "p"), read(13, 1, "q"), look(13, 2, **{"telemetry.clients": -12})]
    changes = (Changed("telemetry.clients", date(2026, 5, 13), -12),)

    assert facts_of(seen).changed == changes
    assert facts_of([*seen, read(13, 3, "another")]).changed == changes
    assert facts_of([*seen, read(13, 3, "p")]).changed == changes
    assert facts_of([*seen, read(13, 3, "p"), read(13, 3, "q")]).changed == ()
    assert facts_of([*seen, look(13, 3)]).changed == ()
    assert "telemetry.clients of 2026-05-13 has 12 rows fewer than were read" in next(sentences(facts_of(seen)))


def test_dates_that_were_written_again_with_as_many_rows_are_told_together() -> None:
    seen = [entry for day in (3, 4, 6) for entry in (read(day, 1, "p"), look(day, 2, **{"telemetry.clients": 0}))]

    sentence = "was written again since it was read, with as many rows"
    assert list(sentences(facts_of(seen))) == [
        f"changed upstream: telemetry.clients from 2026-05-03 to 2026-05-04 {sentence}",
        f"changed upstream: telemetry.clients of 2026-05-06 {sentence}",
    ]


@pytest.mark.parametrize("planned", [True, False])
def test_status_shows_units_and_what_to_know_of_them(*, planned: bool) -> None:
    report = status_report(small.plan([small.HOURS]) if planned else None, [enrolled()])

    shown = " ".join(_printed(status_tables(report)))
    plain = json.loads(status_json(report))

    assert "units: 3 in old (1 exposed), 0 in nwe (0 exposed)" in shown
    assert all(sentence in shown for sentence in TOLD)
    assert plain["units"]["left_out"] == [{"name": "new", "units": 5}]
    assert plain["units"]["in_several"] == 2
    assert (plain["waiting"], plain["changed"]) == ([], [])


def test_results_say_it_above_their_tables_and_in_every_row(engine: Engine) -> None:
    small.keep(engine, [small.estimate("hours", "h", 1.0)])
    small.record(engine, [small.statistics_entry("hours", "h", 1)])
    result = read_estimates(engine, PLACE, Filters())

    lines = _printed(estimate_tables(result, facts=Facts(UNITS)))
    (row,) = with_units(result, Facts(UNITS)).dicts()
    (unknown,) = with_units(result, NOTHING).dicts()

    assert lines[0].startswith("units: 3 in old")
    assert tuple(lines[1:4]) == TOLD
    assert (row["units_left_out"], row["units_in_several"]) == (5, 2)
    assert (unknown["units_left_out"], unknown["units_in_several"]) == (None, None)


def test_exported_rows_and_metadata_have_it_too(engine: Engine) -> None:
    small.keep(engine, [small.estimate("hours", "h", 1.0)])
    small.record(engine, [small.statistics_entry("hours", "h", 1)])
    result = read_estimates(engine, PLACE, Filters())
    plan = small.plan([small.HOURS])

    (row,) = statistic_rows(result, Facts(UNITS))
    (plain,) = statistic_rows(result, Facts(Units((BranchUnits("old", 3, 1),))))
    about = metadata(plan, "f" * 64, [], status_report(plan, [enrolled()]))

    assert (row["units_left_out"], row["units_in_several"]) == (5, 2)
    assert not {"units_left_out", "units_in_several"} & plain.keys()
    assert about["units"] == MISSPELT
    assert about["notes"] == list(TOLD)


def _printed(parts: object) -> list[str]:
    console = Console(width=150, file=io.StringIO())
    for part in parts:  # type: ignore[attr-defined]  # what to print
        console.print(part)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_estimates_are_provisional_until_all_rows_that_they_rest_on_are_taken_to_be_there(engine: Engine) -> None:
    days = json.dumps({"settles_on": ["2026-05-14", "2026-05-21"]})
    entries = [small.statistics_entry("hours", "h", 1, (1, 2), facts=days)]
    small.keep(engine, [small.estimate("hours", "h", 1.0, settles_on=date(2026, 5, 14))])
    small.record(engine, entries)
    result = read_estimates(engine, PLACE, Filters())

    report = status_report(None, entries, today=date(2026, 5, 14))
    (exported,) = statistic_rows(result)

    assert [(metric.first_window, metric.settles_on) for metric in report.metrics] == [
        (1, None),
        (2, date(2026, 5, 21)),
    ]
    assert "provisional until 2026-05-21" in " ".join(_printed(status_tables(report)))
    assert "provisional until 2026-05-14" in " ".join(_printed(estimate_tables(result, today=date(2026, 5, 13))))
    assert "provisional" not in " ".join(_printed(estimate_tables(result, today=date(2026, 5, 14))))
    assert exported["settles_on"] == "2026-05-14"
