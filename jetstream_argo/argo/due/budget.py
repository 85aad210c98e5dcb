"""Compares what an experiment would read with what it may read in a day, before its Workflow is made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from jetstream_argo.errors import CostExceeded
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.report.costs import cost_of
from jetstream_argo.report.summary.formatting import bytes_text
from jetstream_argo.run.context import read_ledger
from jetstream_argo.run.forecast import Upcoming, forecast
from jetstream_argo.terminal.plural import counted
from jetstream_argo.warehouse.protocol import Engine


@dataclass(frozen=True, slots=True)
class DailyBudget:
    """At most `most` bytes for an experiment and day (UTC), what its jobs have read on that day included.

    `by_dry_run` is that of the forecast. `warn` is told what the budget cannot count.
    """

    engine: Engine
    most: int
    now: Callable[[], datetime]
    by_dry_run: bool
    warn: Callable[[str], None]

    def check(self, plan: AnalysisPlan) -> None:
        """Raise if the rest of `plan` would go over the budget; a plan that reads nothing more is never over it.

        Raises:
            CostExceeded: it says what would be read, of which source most, and what to do.
            EngineError: the record cannot be read, so that nobody can say what is left to do.
        """
        ledger = read_ledger(plan, self.engine)
        found = forecast(plan, self.engine, ledger, now=self.now, by_dry_run=self.by_dry_run)
        upcoming = sum(read.bytes or 0 for read in found.upcoming)
        today = self.now().date()
        spent = cost_of([entry for entry in ledger.entries if entry.recorded_at.date() == today]).bytes
        if upcoming and spent + upcoming > self.most:
            raise CostExceeded(self._refusal(plan.experiment.slug, found.upcoming, upcoming, spent))
        unknown = {read.source: None for read in found.upcoming if read.bytes is None}
        uncertain = [*([f"the size of {', '.join(unknown)}"] if unknown else []), *found.refused]
        if uncertain:
            self.warn(f"{plan.experiment.slug}: not in the budget of {bytes_text(self.most)}: {'; '.join(uncertain)}")

    def _refusal(self, slug: str, reads: Sequence[Upcoming], upcoming: int, spent: int) -> str:
        by_source: dict[str, int] = {}
        for read in reads:
            by_source[read.source] = by_source.get(read.source, 0) + (read.bytes or 0)
        largest = max(by_source, key=lambda name: by_source[name])
        dates = counted(sum(read.partition_days for read in reads if read.source == largest), "date")
        already = f", after {bytes_text(spent)} today" if spent else ""
        return (
            f"{slug} - would read {bytes_text(upcoming)}{already}, and may read {bytes_text(self.most)} a day; most is "
            f"of {largest}: {bytes_text(by_source[largest])} for {dates} - raise --bytes-per-day "
            f"(JETSTREAM_BYTES_PER_DAY), leave out metrics that need it, or run it all the same: "
            f"jetstream-argo submit {slug}"
        )
