"""The latest estimates of an experiment, for a notebook."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jetstream_argo.config.periods import Period
from jetstream_argo.errors import PlanError, nearest
from jetstream_argo.notebook.frames import default_kind, framed
from jetstream_argo.notebook.where import dataset_or_default, warehouse_or_default
from jetstream_argo.report.page.gather import material
from jetstream_argo.report.page.material import Material
from jetstream_argo.report.results import Filters, read_estimates
from jetstream_argo.report.sentences import sentences
from jetstream_argo.report.summary.model import About
from jetstream_argo.report.summary.show import Shown, answers, of_usual_period
from jetstream_argo.report.targets import place_of_slug
from jetstream_argo.sql.names import Place
from jetstream_argo.storage.files import write_file
from jetstream_argo.store.entries import read_entries
from jetstream_argo.terminal.console import EscapingConsole
from jetstream_argo.warehouse.connect import connect, new_attempt
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Result

if TYPE_CHECKING:
    import pyarrow


_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing, which notebooks show."""

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, file: str | Path) -> Path:
        """Write the drawing to an SVG file; return its path."""
        path = Path(file)
        write_file(path, self.svg)
        return path


@dataclass(frozen=True, slots=True, repr=False)
class Results:
    """Estimates of one experiment, a row each, as they were when they were read.

    `reference` is the branch that others are compared with where the plan or the caller names one. `kind` is the
    library that `frame` returns frames of, unless it is given another.
    """

    slug: str
    rows: Result
    whole: Material
    reference: str | None = None
    kind: str = ""

    @property
    def table(self) -> "pyarrow.Table":
        """All rows as an Arrow table."""
        return self.rows.table

    @property
    def warnings(self) -> tuple[str, ...]:
        """What must be known before any number is believed; nothing where all is as it should be."""
        return tuple(sentences(self.whole.report.facts))

    def frame(self, kind: str | None = None) -> Any:  # of the library that is asked for
        """Return all rows as a data frame: of what the tables were given as, or pandas where it is installed.

        `kind` asks for "pandas", "polars" or "arrow". Columns are those of `jetstream-argo results --format csv`.
        """
        return framed(self.table, kind or self.kind or default_kind())

    def plot(self, metric: str, *, period: str | None = None, segment: str = "all", basis: str = "enrollments") -> Plot:
        """Return a drawing of a metric's relative uplifts, window after window; a notebook shows it.

        Without `period` it is by week, or by what there is.

        Raises:
            PlanError: there are no such estimates; the message has the nearest.
        """
        from jetstream_argo.report.page.drawing import metric_drawing

        found = next((answered for answered in self.whole.metrics if answered.name == metric), None)
        answers = found.answers if found is not None else ()
        chosen = [
            pair
            for pair in answers
            if (pair[0].segment, pair[0].basis) == (segment, basis) and period in (None, pair[0].period)
        ]
        if found is None or not chosen:
            raise PlanError(f"{self.slug}: there is nothing to plot of metric {metric!r}{self._hint(metric)}")
        usual = of_usual_period([window for window, _ in chosen])
        by_window = {id(window): answer for window, answer in chosen}
        return Plot(metric_drawing(found, [(window, by_window[id(window)]) for window in usual]))

    def __str__(self) -> str:
        file = io.StringIO()
        console = EscapingConsole(file=file, width=_WIDTH)
        rows = self.rows.dicts()
        shown = Shown(says_more=False)
        facts = self.whole.report.facts
        for part in answers(rows, self.whole.about, shown, reference=self.reference, facts=facts, width=_WIDTH):
            console.print(part)
        return file.getvalue()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        from jetstream_argo.report.page.page import sections

        return sections(self.whole)

    def _hint(self, metric: str) -> str:
        known = dict.fromkeys(answered.name for answered in self.whole.metrics if answered.answers)
        return (
            f" in that period, segment and basis; there is {metric!r} in others"
            if metric in known
            else (nearest(metric, known) or f"; there are {', '.join(known)}")
        )


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
    where = warehouse_or_default(warehouse)
    place = place_of_slug(slug, dataset_or_default(dataset), where)
    engine = connect(where, attempt=new_attempt())
    return read_results(engine, place, metrics=metrics, reference=reference)


def read_results(
    engine: Engine,
    place: Place,
    *,
    metrics: tuple[str, ...] = (),
    reference: str | None = None,
    kind: str = "",
    about: About | None = None,
) -> Results:
    """Return the latest estimates of all periods, and what is recorded about all of them."""
    rows = read_estimates(engine, place, Filters(metrics=metrics, periods=tuple(Period)))
    entries = read_entries(engine, place)
    whole = material(engine, place, rows, entries, about=about, reference=reference, segments_by_day=True)
    return Results(place.slug, rows, whole, reference, kind)
