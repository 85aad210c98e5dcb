"""Makes the units of several experiments known before their sources are read for all of them."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import EnrollmentsTask
from jetstream_argo.errors import JetstreamArgoError
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import Context, read_ledger
from jetstream_argo.run.leasing import writing
from jetstream_argo.run.nodes import run_node
from jetstream_argo.warehouse.protocol import Engine


def ensure_known(
    plans: Sequence[AnalysisPlan], engine: Engine, *, holder: str, now: Callable[[], datetime], attempt: str
) -> Iterator[tuple[str, JetstreamArgoError]]:
    """Do for each experiment what its own Workflow begins with, unless that is done; yield those that fail, and why.

    Those find out again by themselves; nothing is shared for them.
    """
    for plan in plans:
        try:
            _ensure_known(plan, engine, holder=holder, now=now, attempt=attempt)
        except JetstreamArgoError as error:
            yield plan.experiment.slug, error


def _ensure_known(
    plan: AnalysisPlan, engine: Engine, *, holder: str, now: Callable[[], datetime], attempt: str
) -> None:
    for node in build_dag(plan).nodes:
        if isinstance(node.task, EnrollmentsTask):
            with writing(engine, plan, holder=holder):
                own = codec.digest(attempt, plan.experiment.slug)
                ledger = read_ledger(plan, engine)
                context = Context(plan, codec.sha256(plan), node.id, engine, own, now, ledger=ledger)
                run_node(node, context)
