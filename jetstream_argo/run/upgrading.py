"""Goes on with an experiment that version 0.1 began: takes over what it stored, and reads no telemetry.

Rows are copied into the tables of now, and one write of the record says that they count; who is killed before it begins
again. The old tables stay until all views are made anew.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from jetstream_argo.config.written import canonical
from jetstream_argo.plan.legacy import LegacyKeys, legacy_keys
from jetstream_argo.run.context import Context
from jetstream_argo.run.upgrading_inputs import Origins
from jetstream_argo.run.upgrading_rows import BatchNumbers, copy_rows
from jetstream_argo.run.upgrading_units import take_over_units
from jetstream_argo.sql import legacy_names, names
from jetstream_argo.store.entries import FORMAT, Entry, Kind, State
from jetstream_argo.store.ledger import Ledger
from jetstream_argo.store.legacy import LegacyRecord, read_legacy
from jetstream_argo.terminal.plural import counted
from jetstream_argo.warehouse.types import TableInfo


def ensure_upgraded(context: Context) -> str:
    """Take over what version 0.1 stored, unless there is a record of now; return a line that says what, or nothing."""
    plan = context.plan
    known = (entry for entry in context.ledger.entries if entry.kind is Kind.UPGRADE)
    if any(known) or any(context.ledger.complete(Kind.ENROLLMENTS, names.assignments(plan))):
        return ""
    if context.engine.info(legacy_names.status(plan)) is None:
        return ""
    record = read_legacy(context.engine, plan, number=lambda batch: context.batch("upgrade", batch))
    if not record.entries:
        return ""
    entries = _upgraded(context, record)
    context.record(entries)
    return entries[-1].message


@dataclass(frozen=True, slots=True)
class _Old:
    """An old entry: its place among the others, itself under new names, and the old keys of what it is about."""

    place: int
    entry: Entry
    keys: tuple[str, ...]


def _upgraded(context: Context, record: LegacyRecord) -> tuple[Entry, ...]:
    """Copy all rows that count; return the entries that say so, oldest first, and at last that about the upgrade."""
    plan = context.plan
    keys = legacy_keys(plan)
    tables = legacy_names.names_now(plan, record.sources)
    infos = context.engine.infos([*tables, names.enrollments(plan)])
    units = take_over_units(context, record, keys.enrollments, infos.get(names.enrollments(plan)))
    known = keys if units else replace(keys, columns={}, estimates={})
    old = [found for name in tables for found in _copied(context, record, infos.get(name), name, tables, known)]
    read = [found for found in old if found.entry.kind in (Kind.PARTIALS, Kind.SIGNALS)]
    assignments = tuple(assignment for entry in units for assignment in entry.assignments[:1])[:1]
    done = [(found.place, replace(found.entry, assignments=assignments)) for found in read]
    recorded = {entry.batch: entry.recorded_at for entry in record.entries if entry.batch is not None}
    origins = Origins(context, Ledger([*units, *(entry for _, entry in sorted(done, key=_place))]), recorded)
    values = [found for found in old if found.entry.kind is Kind.VALUES]
    rows = tuple(origins.rows(found.entry for found in values))
    origins.ledger.add(rows)
    merged = [(found.place, entry) for found in values for entry in origins.values(found.entry)]
    origins.ledger.add(entry for _, entry in sorted(merged, key=_place))
    estimated = [
        (found.place, _estimates(origins, found, known)) for found in old if found.entry.kind is Kind.STATISTICS
    ]
    changes = list(_other_entries(record, {**tables, names.enrollments(plan): names.assignments(plan)}))
    later = [entry for _, entry in sorted([*done, *merged, *estimated, *changes], key=_place)]
    entries = [*units, *rows, *later]
    return _stamped(context, [*entries, _summary(context, record, entries)])


def _place(found: tuple[int, Entry]) -> int:
    return found[0]


def _copied(
    context: Context,
    record: LegacyRecord,
    info: TableInfo | None,
    name: str,
    tables: Mapping[str, str],
    keys: LegacyKeys,
) -> Iterator[_Old]:
    """Copy what counts of a table, and yield the entries about it that hold something of the plan, or estimates."""
    wanted = [
        (place, entry)
        for place, entry in enumerate(record.entries)
        if entry.table == name
        and entry.state in (State.COMPUTED, State.NO_DATA)
        and (entry.kind is Kind.STATISTICS or not keys.columns.keys().isdisjoint(entry.keys))
    ]
    there = copy_rows(context, record, info, tables[name], [entry for _, entry in wanted], keys.columns)
    for place, entry in wanted:
        if entry.batch is None or entry.batch not in there:
            continue
        columns = tuple(keys.columns[key] for key in entry.keys if key in keys.columns)
        new = entry.keys if entry.kind is Kind.STATISTICS else columns
        yield _Old(place, _renamed(entry, tables[name], new, there[entry.batch]), entry.keys)


def _renamed(entry: Entry, table: str, keys: tuple[str, ...], rows: BatchNumbers) -> Entry:
    counts = tuple(rows.get(place, 0) for place in entry.extent)
    return replace(entry, table=table, keys=keys, rows=sum(rows.values()), counts=counts, format=FORMAT)


def _estimates(origins: Origins, found: _Old, keys: LegacyKeys) -> Entry:
    """Return the entry with inputs, or as it is: then readers see the old estimates until there are new ones."""
    leaf = next((keys.estimates[key] for key in found.keys if key in keys.estimates), None)
    return found.entry if leaf is None else origins.estimates(found.entry, leaf)


def _other_entries(record: LegacyRecord, tables: Mapping[str, str]) -> Iterator[tuple[int, Entry]]:
    """Yield what else is worth knowing: which units were removed when, and what was exported."""
    for place, entry in enumerate(record.entries):
        if entry.kind in (Kind.DELETION, Kind.EXPORT) and entry.state is not State.FAILED:
            yield place, replace(entry, table=tables.get(entry.table, entry.table), format=FORMAT)


def _stamped(context: Context, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return the entries as of now, each a microsecond after the one before: so the record keeps their order."""
    now = context.now()
    last = len(entries) - 1
    return tuple(
        replace(entry, recorded_at=now - timedelta(microseconds=last - place)) for place, entry in enumerate(entries)
    )


def _summary(context: Context, record: LegacyRecord, entries: Sequence[Entry]) -> Entry:
    """Return the entry about the upgrade: how much of what the plan has was taken over."""
    plan = context.plan
    partials = {partial.column for source in plan.sources for partial in source.partials}
    values = {metric.column for metric in plan.metrics if metric.column}
    columns = {*plan.enrollments.segment_columns, *partials, *values}
    columns |= {plan.signal.partial.column} if plan.signal is not None else set()
    columns |= {plan.enrollments.exposures_key} if plan.enrollments.exposures_sql is not None else set()
    leaves = {leaf.key for leaf in plan.statistics}
    current = [entry for entry in entries if entry.kind not in (Kind.VALUES, Kind.STATISTICS) or any(entry.inputs)]
    keys = {key for entry in current for key in entry.keys}
    units = sum(entry.rows for entry in entries if entry.kind is Kind.ENROLLMENTS)
    facts = {
        "units": units,
        "columns": [len(columns & keys), len(columns)],
        "estimates": [len(leaves & keys), len(leaves)],
        "entries": [len(entries), len(record.entries)],
    }
    parts = [
        counted(units, "unit"),
        f"{len(columns & keys)} of {counted(len(columns), 'column')}",
        f"{len(leaves & keys)} of {counted(len(leaves), 'estimate')}",
    ]
    message = f"took over from version 0.1: {', '.join(parts)}; no telemetry was read"
    if len(columns & keys) + len(leaves & keys) < len(columns) + len(leaves):
        message += ", and the rest is computed anew"
    return replace(
        context.entry(Kind.UPGRADE, State.COMPUTED),
        table=legacy_names.status(plan),
        message=message,
        facts=canonical({"upgrade": facts}),
    )


def make_way(context: Context, view: str) -> None:
    """Remove the table of units of version 0.1, which has the name that the view is to have."""
    found = context.engine.info(view)
    if found is not None and found.view_sql is None and found.description == context.plan.experiment.slug:
        context.engine.delete(view)


def remove_replaced(context: Context) -> str:
    """Remove the old tables once nothing of ours reads them; return a line that says so, or nothing."""
    entries = [entry for entry in context.ledger.entries if entry.kind is Kind.UPGRADE]
    if not entries or entries[-1].table != legacy_names.status(context.plan):
        return ""
    plan = context.plan
    record = read_legacy(context.engine, plan)
    sources = dict.fromkeys([*record.sources, *(source.name for source in plan.sources)])
    found = context.engine.infos([*legacy_names.names_now(plan, sources), legacy_names.status(plan)])
    readers = _readers(context, found)
    if readers:
        return f"kept {counted(len(found), 'table')} of version 0.1, which the view {readers[0]} reads"
    for name in found:
        context.engine.delete(name)
    message = f"removed {counted(len(found), 'table')} of version 0.1"
    context.record([replace(context.entry(Kind.UPGRADE, State.COMPUTED), message=message)])
    return message


def _readers(context: Context, tables: Iterable[str]) -> list[str]:
    """Return the views of the experiment that read some of the tables: those that the plan no longer has."""
    plain = [name.rpartition(".")[2] for name in tables]
    views = context.engine.infos(list(names.views(context.plan)))
    return [name for name, info in views.items() if info.view_sql and any(table in info.view_sql for table in plain)]
