"""Which node goes first of those that can start."""

from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import (
    CountsTask,
    Dag,
    EnrollmentsTask,
    ExportTask,
    Node,
    SourceTask,
    Stage,
    StatisticsTask,
)
from jetstream_argo.dag.order import path_lengths


def test_a_path_is_as_long_as_the_longest_of_those_that_begin_with_its_first_node() -> None:
    nodes = (
        Node("enrollments", EnrollmentsTask(), (), ()),
        Node("counts", CountsTask(), ("enrollments",), ()),
        Node("day", SourceTask("main", Stage.DAY), ("enrollments",), ()),
        Node("week", SourceTask("main", Stage.WEEK), ("day",), ()),
        Node("stats-day", StatisticsTask(Period.DAY, ("searches",)), ("day",), ()),
        Node("stats-week", StatisticsTask(Period.WEEK, ("searches",)), ("week",), ()),
    )
    last = Node("export", ExportTask(), tuple(node.id for node in nodes), ())

    lengths = path_lengths(Dag(nodes, last))

    assert lengths == {"enrollments": 7, "counts": 1, "day": 6, "week": 2, "stats-day": 3, "stats-week": 1}
