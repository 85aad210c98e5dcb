"""How long it takes to set up 1,000 tables of one experiment and to read back where it stands.

`python -m benchmarks.many_tables [--tables 1000] [--answer-ms 0]`: on the embedded engine, and through BigQuery's
client against the fake. `--answer-ms` has the fake take that long for every answer, as a warehouse far away does.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.report.status import status_report
from jetstream_argo.sql import names
from jetstream_argo.store.entries import COLUMNS, Entry, Kind, State, read_entries
from jetstream_argo.upkeep.owned import owned
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Layout, Write
from tests.warehouse.bigquery.fake_server.faults import Call, Fault
from tests.warehouse.bigquery.fake_server.server import PROJECT, FakeBigQuery, serving

PLACE = names.Place("results", "an-experiment")
UNIT_COLUMNS = (Column("analysis_id", "STRING"), Column("window_index", "INT64"), Column("m_1", "FLOAT64"))
LAYOUT = Layout(partition_by="window_index", cluster_by=("analysis_id",), labels={"experiment": PLACE.slug})


@dataclass
class Clock:
    """Prints what each step took, and which requests it made."""

    fake: FakeBigQuery | None

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Time what is done inside."""
        if self.fake is not None:
            self.fake.calls.clear()
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        calls = Counter(self.fake.calls) if self.fake is not None else Counter()
        summary = ", ".join(f"{count} {call}" for call, count in calls.items())
        print(f"  {what:<44} {seconds:8.2f} s  {summary}", flush=True)


def tables(count: int) -> list[tuple[str, str]]:
    """Return the names of that many tables of values, and of which source each is."""
    found = []
    for number in range(count):
        source = f"source_{number // 12}"
        basis, period = list(Basis)[number % 2], list(Period)[number // 2 % 6]
        found.append((names.values(PLACE, basis, source, period), source))
    return found


def entry(number: int, table: str, source: str) -> Entry:
    """Return what is recorded of a table that was written."""
    moment = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(seconds=number)
    return Entry(
        moment, f"week-{source}", Kind.VALUES, State.COMPUTED, "0" * 64, "a1", table=table, batch=number,
        keys=("m_1",), metrics=("visits",), source=source, period="week", first_window=1, last_window=4,
        first_date=date(2026, 5, 4), last_date=date(2026, 5, 31), rows=1, bytes=1000, jobs=(f"job-{number}",),
    )  # fmt: skip


def measure(engine: Engine, count: int, fake: FakeBigQuery | None = None) -> None:
    """Set up the tables, then ask in every way what there is."""
    clock = Clock(fake)
    wanted = tables(count)
    rows: list[dict[str, Value]] = [{"analysis_id": "a", "window_index": 1, "m_1": 0.5}]
    with clock.step(f"{count} tables set up, a row in each"):
        for name, _ in wanted:
            engine.load(name, rows, UNIT_COLUMNS, write=Write.APPEND, labels={}, layout=LAYOUT)
    with clock.step(f"{count} entries recorded"):
        entries = [entry(number, *table).row() for number, table in enumerate(wanted)]
        engine.load(names.status(PLACE), entries, COLUMNS, write=Write.APPEND, labels={})
    with clock.step("`status`: what was recorded of all"):
        recorded = read_entries(engine, PLACE)
        report = status_report(None, recorded)
        assert len(recorded) == count
        assert sum(source.cost.jobs for source in report.sources) == count
    with clock.step("names and labels of all, as the list tells"):
        assert len(engine.tables(PLACE.dataset, prefix="values_")) == count
    with clock.step("columns, rows and bytes of all"):
        infos = engine.infos([name for name, _ in wanted])
        assert sum(info.rows for info in infos.values()) == count
    with clock.step("`delete`: what the experiment owns"):
        found = owned(engine, PLACE, recorded)
        assert len(found.tables) == count + 1
    with clock.step("`delete`: all of it gone"):
        for info in found.tables:
            engine.delete(info.name)


def main() -> None:
    """Measure both engines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--answer-ms", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print("embedded")
        measure(EmbeddedEngine(Path(folder) / "embedded"), arguments.tables)
        print(f"bigquery, through its client and the fake, {arguments.answer_ms} ms an answer")
        fake = FakeBigQuery(Path(folder) / "fake", datasets=[PLACE.dataset])
        if arguments.answer_ms:
            for call in Call:
                fake.faults.order(Fault(call, times=10**9, delay_seconds=arguments.answer_ms / 1000))
        with serving(fake) as url:
            engine = BigQueryEngine(BigQuerySettings(PROJECT, api_endpoint=url), attempt="1")
            measure(engine, arguments.tables, fake)


if __name__ == "__main__":
    main()
