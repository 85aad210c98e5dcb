"""Lists all experiments of a warehouse with their status, a line each."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from jetstream_argo.cli.listing import datasets_of, show_rows
from jetstream_argo.report.overview import overview
from jetstream_argo.storage.files import write_file
from jetstream_argo.terminal.text import say
from jetstream_argo.warehouse.connect import connect, new_attempt

# So short that a name has room beside them in a narrow terminal.
_HEADINGS = {"complete until": "until", "bytes of a week": "bytes/week", "seconds of a week": "s/week"}


def status_of_all(warehouse: str, dataset: str | None, format_: str, output: Path | None) -> int:
    """Say how each experiment of a warehouse stands, in a line."""
    if format_ not in ("table", "json"):
        raise click.UsageError("--all has the formats table and json")
    engine = connect(warehouse, attempt=new_attempt())
    since = datetime.now(UTC) - timedelta(days=7)
    rows = [
        {
            "experiment": found.slug,
            "complete until": None if found.complete_until is None else found.complete_until.isoformat(),
            "lacking": found.lacking,
            "failures": found.failures,
            "bytes of a week": found.bytes,
            "seconds of a week": round(found.seconds),
        }
        for name in ((dataset,) if dataset else datasets_of(warehouse))
        for found in overview(engine, name, since=since)
    ]
    if output is not None:
        write_file(output, json.dumps(rows, indent=2))
    elif format_ == "json":
        say(json.dumps(rows, indent=2))
    elif rows:
        show_rows([{_HEADINGS.get(key, key): value for key, value in row.items()} for row in rows])
    else:
        say(f"{warehouse}: there are no experiments")
    return 0
