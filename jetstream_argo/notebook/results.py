"""The latest estimates of an experiment, for a notebook."""

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jetstream_argo.config.conventions.load import load_conventions
from jetstream_argo.config.model import Period
from jetstream_argo.engines.connect import connect
from jetstream_argo.engines.protocol import Engine, Result
from jetstream_argo.notebook.frames import default_kind, framed
from jetstream_argo.notebook.where import dataset_or_default, warehouse_or_default
from jetstream_argo.report.facts import Facts, sentences
from jetstream_argo.report.results import Filters, read_estimates
from jetstream_argo.report.status import status_report
from jetstream_argo.sql.names import Place
from jetstream_argo.store.entries import read_entries

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True, slots=True)
class Results:
    """Estimates of one experiment, a row each, as they were when they were read.

    `reference` is the branch that others are compared with where the plan or the caller names one. `kind` is the
    library that `frame` returns frames of, unless it is told.
    """

    slug: str
    rows: Result
    facts: Facts
    reference: str | None = None
    kind: str = ""

    @property
    def table(self) -> "pyarrow.Table":
        """All rows as an Arrow table."""
        return self.rows.table

    @property
    def warnings(self) -> tuple[str, ...]:
        """What must be known before any number is believed; nothing where all is as it should be."""
        return tuple(sentences(self.facts))

    def frame(self, kind: str | None = None) -> Any:  # of the library that is asked for
        """Return all rows as a data frame: of what the tables were given as, or pandas where it is installed.

        `kind` asks for "pandas", "polars" or "arrow". Columns are those of `jetstream-argo results --format csv`.
        """
        return framed(self.table, kind or self.kind or default_kind())


def results(
    slug: str,
    *,
    warehouse: str | None = None,
    dataset: str | None = None,
    metrics: tuple[str, ...] = (),
    reference: str | None = None,
) -> Results:
    """Return the latest estimates of the experiment `slug`.

    Args:
        warehouse: `embedded:FOLDER` or `bigquery:PROJECT`. Default: `JETSTREAM_WAREHOUSE`, or the folder `.jetstream`.
        dataset: where the results are. Default: `JETSTREAM_DATASET`, or where plans put them.
        metrics: only these.
        reference: the branch to compare with. Default: `control`, or the first with comparisons.

    Raises:
        PlanError: there are none.
    """
    place = Place(dataset_or_default(dataset) or load_conventions().default_dataset, slug)
    engine = connect(warehouse_or_default(warehouse), attempt=secrets.token_hex(4))
    return read_results(engine, place, metrics=metrics, reference=reference)


def read_results(
    engine: Engine, place: Place, *, metrics: tuple[str, ...] = (), reference: str | None = None, kind: str = ""
) -> Results:
    """Return the latest estimates of all periods, and what is recorded about all of them."""
    rows = read_estimates(engine, place, Filters(metrics=metrics, periods=tuple(Period)))
    report = status_report(None, read_entries(engine, place))
    return Results(place.slug, rows, report.facts, reference, kind)
