from xml.etree import ElementTree

from jetstream_argo.config.periods import Period
from jetstream_argo.dag.mermaid import mermaid
from jetstream_argo.dag.model import Dag, EnrollmentsTask, ExportTask, Node, SourceTask, Stage, StatisticsTask
from jetstream_argo.dag.svg import svg

SVG = "{http://www.w3.org/2000/svg}"


def test_mermaid_names_every_node_and_draws_every_edge():
    drawn = mermaid(_dag())

    assert drawn.startswith("flowchart LR\n")
    assert '  n0["enrollments"]:::units\n' in drawn
    assert '  n1["day-clients"]:::source\n' in drawn
    assert '  n3["stats-day-all-clients<br/>2 metrics"]:::statistics\n' in drawn
    assert '  n4["export"]:::last\n' in drawn
    assert [line for line in drawn.splitlines() if "-->" in line] == ["  n0 --> n1", "  n1 --> n2", "  n1 --> n3"]


def test_an_empty_workflow_is_drawn_as_its_last_node():
    empty = Dag((), Node("export", ExportTask(), (), ()))

    assert '  n0["export"]' in mermaid(empty)
    assert len(ElementTree.fromstring(svg(empty)).findall(f"{SVG}g")) == 1


def test_svg_is_well_formed_and_has_a_box_per_node_and_a_path_per_edge():
    picture = ElementTree.fromstring(svg(_dag()))

    assert [text.text for text in picture.iter(f"{SVG}text")] == [
        "enrollments",
        "day-clients",
        "stats-day-x",
        "stats-day-all-clients (2 metrics)",
        "export",
    ]
    assert len(picture.findall(f"{SVG}path")) == 3


def test_boxes_of_an_svg_lie_within_it_and_do_not_overlap():
    picture = ElementTree.fromstring(svg(_wide()))

    boxes = [{name: int(value) for name, value in box.items() if value.isdigit()} for box in picture.iter(f"{SVG}rect")]
    for number, box in enumerate(boxes):
        assert 0 <= box["x"] <= int(picture.get("width", "0")) - box["width"]
        assert 0 <= box["y"] <= int(picture.get("height", "0")) - box["height"]
        for other in boxes[:number]:
            apart = abs(box["y"] - other["y"]) >= box["height"]
            assert apart or box["x"] + box["width"] <= other["x"] or other["x"] + other["width"] <= box["x"]


def test_an_svg_escapes_what_a_title_holds():
    node = Node("stats-day-x", StatisticsTask(Period.DAY, ("<x>&",)), (), ("<x>&",))

    picture = ElementTree.fromstring(svg(Dag((node,), Node("export", ExportTask(), (), ()))))

    assert next(picture.iter(f"{SVG}title")).text == "<x>&"


def _dag() -> Dag:
    nodes = (
        Node("enrollments", EnrollmentsTask(), (), ("x", "y", "z")),
        Node("day-clients", SourceTask("clients", Stage.DAY), ("enrollments",), ("x", "y", "z")),
        Node("stats-day-x", StatisticsTask(Period.DAY, ("x",)), ("day-clients",), ("x",)),
        Node("stats-day-all-clients", StatisticsTask(Period.DAY, ("y", "z")), ("day-clients",), ("y", "z")),
    )
    return Dag(nodes, Node("export", ExportTask(), tuple(node.id for node in nodes), ()))


def _wide() -> Dag:
    """Return three chains of two stages with leaves of several depths, one of which waits for two chains."""
    nodes = [Node("enrollments", EnrollmentsTask(), (), ())]
    for source in ("a", "b", "c"):
        nodes.append(Node(f"day-{source}", SourceTask(source, Stage.DAY), ("enrollments",), ()))
        nodes.append(Node(f"week-{source}", SourceTask(source, Stage.WEEK), (f"day-{source}",), ()))
        for number in range(3):
            task = StatisticsTask(Period.WEEK, (f"{source}{number}",))
            nodes.append(Node(f"stats-{source}{number}", task, (f"week-{source}",), ()))
            nodes.append(Node(f"stats-day-{source}{number}", task, (f"day-{source}",), ()))
    nodes.append(Node("stats-both", StatisticsTask(Period.WEEK, ("both",)), ("week-a", "week-b"), ()))
    return Dag(tuple(nodes), Node("export", ExportTask(), (), ()))
