"""Which sources of real experiments read dates of their own, whatever dates are asked for.

Usage: python -m benchmarks.own_dates [--each]

Resolves every configuration of ../shared/metric-hub, and looks at each data source that it reads: how many pairs of
experiment and source there are, and of how many the text after FROM decides about dates itself. Every such source is
named with its tables and conditions by `plan` and `validate`.

That is 74 of 1,868 pairs, in 63 of 368 experiments. Eleven of these can be resolved because `benchmarks.emit` says what
their files do not: outcomes, and what is randomised. Without them it is 72 of 1,812, in 61 of 357, so that a count of
those that resolve by themselves is smaller.
"""

import argparse
from collections.abc import Iterator

from benchmarks.emit import configurations
from jetstream_argo.config.model import DataSource
from jetstream_argo.dialect.own_dates import own_dates


def pairs() -> Iterator[tuple[str, DataSource]]:
    """Yield every experiment with each of its data sources."""
    for config in configurations():
        yield from ((config.slug, source) for source in config.data_sources)


def main() -> None:
    """Print how many there are, and which."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", action="store_true", help="Print every pair, with its tables and conditions.")
    options = parser.parse_args()
    everything = list(pairs())
    costly = [(slug, source) for slug, source in everything if own_dates(source.from_expression, source.date_column)]
    for slug, source in costly if options.each else ():
        for own in own_dates(source.from_expression, source.date_column):
            print(f"{slug}, {source.name}: {own.table} where {' '.join(own.condition.split())}")
    print(
        f"{len(costly)} of {len(everything)} pairs of experiment and source, "
        f"in {len({slug for slug, _ in costly})} of {len({slug for slug, _ in everything})} experiments, "
        f"{len({source.name for _, source in costly})} sources"
    )


if __name__ == "__main__":
    main()
