"""How often an analysis writes to each table: `python -m benchmarks.writes [--every N]`.

Counts, for each configuration of ../shared/metric-hub and everything due at once (which is what a full rerun does), the
jobs that write to the table that most of them write to, and to the busiest other one. BigQuery allows 30,000 changes of
partitions a day to a partitioned table, 1,500 writes to another: https://cloud.google.com/bigquery/quotas
"""

import argparse
from collections import Counter
from itertools import islice

from benchmarks.emit import START, configurations
from jetstream_argo.config.model import Basis
from jetstream_argo.errors import JetstreamArgoError
from jetstream_argo.plan.build import resolve
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.sources import Composed
from jetstream_argo.run.values import bases_of
from jetstream_argo.sql import names


def writes(plan: AnalysisPlan) -> Counter[str]:
    """Return how many jobs write to each table, each thing computed by one query and recorded by one load."""
    jobs: Counter[str] = Counter({names.enrollments(plan): 1})
    if plan.signal is not None:
        jobs[names.signals(plan)] += 1
    for source in plan.sources:
        jobs[names.partials(plan, source.name)] += len(source.reads)
        for period in plan.periods:
            period_metrics = [m for m in plan.metrics if m.source == source.name and period.period in m.periods]
            for basis in Basis:
                kinds = {
                    isinstance(m.computation, Composed) for m in period_metrics if basis in bases_of(m, period.period)
                }
                jobs[names.values(plan, basis, source.name, period.period)] += len(kinds)
    recorded = sum(jobs.values())
    estimated = len(plan.statistics) + len(plan.periods)  # and the counts of units
    jobs[names.statistics(plan)] = estimated
    jobs[names.status(plan)] = recorded + estimated
    return jobs


def main() -> None:
    """Print the experiments that write most."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    arguments = parser.parse_args()
    found: list[tuple[int, int, str]] = []
    for config in islice(configurations(), None, None, arguments.every):
        try:
            plan = resolve(config, as_of=(config.end_date or START).replace(year=2027), dataset="analysis")
        except JetstreamArgoError:
            continue  # one that cannot be analysed
        jobs = writes(plan)
        shared = (names.status(plan), names.statistics(plan))
        alone = max(count for table, count in jobs.items() if table not in shared)
        found.append((jobs[names.status(plan)], alone, config.slug))
    found.sort(reverse=True)
    print(f"{len(found)} experiments; jobs that write to the status table, and to the busiest table of one node:")
    for most, alone, slug in [*found[:5], found[len(found) // 2]]:
        print(f"  {most:5} {alone:3}  {slug}")


if __name__ == "__main__":
    main()
