"""Tells at the end of a run what it computed, what failed and why, what must be known, and what to do next."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from jetstream_argo.cli.local_run import LocalRun
from jetstream_argo.config.conventions.load import load_conventions
from jetstream_argo.dag.model import ExportTask
from jetstream_argo.errors import EXIT_DONE, EXIT_RETRY
from jetstream_argo.plan import codec
from jetstream_argo.report.facts import NOTHING, Facts
from jetstream_argo.report.run_record import RecordedWork, work_since
from jetstream_argo.report.sentences import sentences, units_line
from jetstream_argo.report.status import status_report
from jetstream_argo.run.local import DagRun
from jetstream_argo.run.progress import summary
from jetstream_argo.store.entries import read_entries
from jetstream_argo.warehouse.address import warehouse_argument
from jetstream_argo.warehouse.connect import connect, new_attempt

_MOST_LINES = 20


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended. `result` is a sentence where there was nothing to do."""

    local_run: LocalRun
    result: DagRun | str
    since: datetime
    until: datetime
    work: RecordedWork
    facts: Facts

    @property
    def exit_code(self) -> int:
        """That of the command."""
        return self.result.exit_code if isinstance(self.result, DagRun) else EXIT_DONE

    def lines(self) -> Iterator[str]:
        """Yield what a person is to see last; what to type next comes at the very end."""
        yield self.result if isinstance(self.result, str) else summary(self.result)
        if self.facts.units is not None:
            yield units_line(self.facts.units)
        done = list(self.work.lines())
        failed = [line for line in done if line.startswith("failed: ")]
        done = [line for line in done if line not in failed]
        yield from done[:_MOST_LINES]
        if len(done) > _MOST_LINES:
            yield f"… and {len(done) - _MOST_LINES} lines like these: jetstream-argo status {self._named()}"
        if isinstance(self.result, DagRun) and self.local_run.export_to:
            yield from (run.line for run in self.result.nodes if isinstance(run.node.task, ExportTask))
        yield from (f"warning: {sentence}" for sentence in sentences(self.facts))
        yield from failed
        yield from self._next()

    def _next(self) -> Iterator[str]:
        if not self.local_run.dag().nodes:
            return
        if self.exit_code == EXIT_RETRY:
            yield "next: run it again; it goes on from here"
        elif self.exit_code != EXIT_DONE:
            yield "next: correct what failed and run it again: what was computed stays"
        if self.exit_code != EXIT_DONE:
            yield f"      jetstream-argo status {self._named()} --lacking"
            return
        yield f"next: jetstream-argo results {self._named()}"
        slug = shlex.quote(f"{self.local_run.plan.experiment.slug}.html")
        yield f"      jetstream-argo report {self._named()} -o {slug}"

    def _named(self) -> str:
        """Return the words by which the next command names these results."""
        plan = self.local_run.plan
        dataset = "" if plan.dataset == load_conventions().default_dataset else f" --dataset {plan.dataset}"
        return f"{shlex.quote(plan.experiment.slug)}{dataset}{warehouse_argument(self.local_run.warehouse)}"

    def json(self) -> str:
        """Return the record of the run, for programs."""
        plan, selection = self.local_run.plan, self.local_run.selection
        record = {
            "experiment": plan.experiment.slug,
            "plan": codec.sha256(plan),
            "as_of": plan.as_of.isoformat(),
            "dataset": plan.dataset,
            "warehouse": self.local_run.warehouse,
            "selection": asdict(selection),
            "started_at": self.since.isoformat(timespec="seconds"),
            "ended_at": self.until.isoformat(timespec="seconds"),
            "seconds": round((self.until - self.since).total_seconds(), 3),
            "exit_code": self.exit_code,
            "summary": self.result if isinstance(self.result, str) else summary(self.result),
            "nodes": self._nodes(),
            **self.work.record(),
            "units": None if self.facts.units is None else asdict(self.facts.units),
            "warnings": list(sentences(self.facts)),
        }
        return json.dumps(record, indent=2, ensure_ascii=False) + "\n"

    def _nodes(self) -> list[dict[str, object]]:
        if isinstance(self.result, str):
            return []
        return [
            {
                "node": run.node.id,
                "state": run.state,
                "exit_code": run.exit_code,
                "seconds": round(run.seconds, 3),
                "line": run.line,
            }
            for run in self.result.nodes
        ]


def ending(local_run: LocalRun, result: DagRun | str, since: datetime, until: datetime, *, in_full: bool) -> Ending:
    """Return how a run ended that lasted from `since` to `until`, by what it recorded meanwhile.

    Where there was nothing to do, the record is looked at only if it is asked for `in_full`.
    """
    if isinstance(result, str) and not in_full:
        return Ending(local_run, result, since, until, RecordedWork((), (), ()), NOTHING)
    entries = read_entries(connect(local_run.warehouse, attempt=new_attempt()), local_run.plan)
    work = work_since(entries, since, plan=codec.sha256(local_run.plan))
    return Ending(local_run, result, since, until, work, status_report(local_run.plan, entries).facts)
