"""Keeps the plan that was published last beside its results, so that they can be made anew without its files."""

from dataclasses import replace
from datetime import date

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import NotFound, PlanError
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Place, place_of
from jetstream_argo.sql.text import fill, table
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Layout, Write

_COLUMNS = (Column("as_of", "DATE"), Column("sha256", "STRING"), Column("plan", "STRING"))
_ANY_DAY = date(2000, 1, 1)


def keep_plan(engine: Engine, plan: AnalysisPlan, *, labels: dict[str, str]) -> None:
    """Keep a plan, unless there is one that computes the same, or one of a later date.

    The table's description says which it is, so that nothing is read or written of one that is as it should be.
    """
    name = names.kept_plan(plan)
    about = f"Plan of {plan.as_of}: {codec.sha256(replace(plan, as_of=_ANY_DAY))}"
    day, _, computes = about.partition(":")
    found = engine.info(name)
    if found is not None and found.rows:
        known, _, same = found.description.partition(":")
        if same == computes or known > day:
            return
    row: dict[str, Value] = {"as_of": plan.as_of, "sha256": codec.sha256(plan), "plan": codec.dump(plan).decode()}
    layout = Layout(description=about, labels={"experiment": plan.experiment.slug})
    engine.load(name, [row], _COLUMNS, write=Write.TRUNCATE, labels=labels, layout=layout)


def kept_plan(engine: Engine, owner: AnalysisPlan | Place) -> AnalysisPlan | None:
    """Return the plan that is kept of an experiment; None if there is none, or none that this version reads."""
    name = names.kept_plan(owner)
    try:
        sql = fill("kept_plan", kept=table(name))
        rows = engine.query(sql, labels={"experiment": place_of(owner).slug}).rows
        return codec.load(str(rows[0][0]).encode(), where=name) if rows else None
    except (NotFound, PlanError):
        return None
