"""The command that writes result pages: of one experiment, or of all in a dataset with an index."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jetstream_argo.cli.options import dataset_option, warehouse_option
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE, JetstreamArgoError
from jetstream_argo.report.targets import Target, entries_of, target_of
from jetstream_argo.sql import names
from jetstream_argo.storage.files import make_folder, write_file
from jetstream_argo.terminal.text import say, warn

if TYPE_CHECKING:
    from jetstream_argo.report.page.material import Material

_INDEX = "index.html"


@click.command(epilog="Example: jetstream-argo report new-checkout -o page.html")
@click.argument("experiment", required=False)
@dataset_option
@warehouse_option
@click.option(
    "--output", "-o", type=click.Path(path_type=Path),
    help="A file; default: SLUG.html. With --all a folder; default: pages.",
)  # fmt: skip
@click.option(
    "--with", "other", metavar="DATASET", help="With a section that compares with those in DATASET, as `compare`."
)
@click.option("--reference", help="The branch to compare with. Default: the configuration's, or control.")
@click.option("--all", "everything", is_flag=True, help="A page for each experiment of the dataset, and an index.")
def report(
    experiment: str | None,
    dataset: str | None,
    warehouse: str,
    *,
    output: Path | None,
    other: str | None,
    reference: str | None,
    everything: bool,
) -> int:
    """Write the results of EXPERIMENT, a slug, as a page: one HTML file without scripts, which needs no network."""
    if everything:
        if experiment is not None or reference is not None or other is not None:
            raise click.UsageError("--all is of all experiments: leave out the slug, --reference and --with")
        return _write_all(dataset, warehouse, output or Path("pages"))
    target = target_of(experiment, None, dataset, warehouse)
    file = output or Path(f"{names.normalised(target.place.slug)}.html")
    _write(_material(target, reference, other=other), file)
    return EXIT_DONE


def _write_all(dataset: str | None, warehouse: str, folder: Path) -> int:
    """Write all pages and the index; an experiment that cannot be read costs its own page."""
    from jetstream_argo.config.conventions.load import load_conventions
    from jetstream_argo.report.experiments import places_in
    from jetstream_argo.report.page.index import ListedExperiment, index, listed
    from jetstream_argo.warehouse.connect import connect, new_attempt

    engine = connect(warehouse, attempt=new_attempt())
    found: list[ListedExperiment] = []
    failed = False
    make_folder(folder)
    where = dataset or load_conventions().default_dataset
    for place in places_in(engine, where):
        # As its table is called, since two slugs may be the same name of a file.
        file = f"{names.status(place).rpartition('.')[2].removeprefix('status_')}.html"
        try:
            made = _material(Target(engine, place, None), None)
        except JetstreamArgoError as error:
            failed = True
            warn(f"{place.slug}: {error}")
            continue
        _write(made, folder / file)
        found.append(listed(made, file))
    write_file(folder / _INDEX, index(where, found))
    say(f"wrote {folder / _INDEX}: {len(found)} experiment{'' if len(found) == 1 else 's'}")
    return EXIT_DEFINITION if failed else EXIT_DONE


def _material(target: Target, reference: str | None, *, other: str | None = None) -> "Material":
    from jetstream_argo.report.agreement import agreements
    from jetstream_argo.report.page.gather import material
    from jetstream_argo.report.results import Filters, read_estimates

    entries = entries_of(target)
    result = read_estimates(target.engine, target.place, Filters())
    today = datetime.now(UTC).date()
    compared = agreements(target.engine, target.place, other, Filters()) if other else ()
    return material(target.engine, target.place, result, entries, reference=reference, today=today, agreements=compared)


def _write(material: "Material", file: Path) -> None:
    from jetstream_argo.report.page.page import page

    text = page(material)
    write_file(file, text)
    say(f"wrote {file} ({len(text.encode()):,} bytes)")
