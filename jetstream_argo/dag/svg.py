"""Draws a workflow's nodes and edges as SVG, without any other program."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from math import ceil

from jetstream_argo.dag.mermaid import kind, size
from jetstream_argo.dag.model import Dag, Node

_FILLS = {
    "units": ("#e8eef7", "#4a6fa5"),
    "source": ("#eaf4ea", "#4d8a4d"),
    "statistics": ("#fdf3e1", "#b07d2b"),
    "last": ("#f2f2f2", "#777777"),
}
_ROW = 30  # pixels from one row to the next
_BOX = 22
_LETTER = 7.3  # width of a letter of the 12 pixel monospace font, where it is wide
_PADDING = 7
_GAP = 56  # between columns, for the edges
_MARGIN = 16


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a node's box is: its left edge, the middle of its height and its width, in pixels."""

    x: int
    y: int
    width: int


def svg(dag: Dag) -> str:
    """Return `dag` as an SVG document: a column per depth, every chain with its statistics in rows of its own."""
    places = _positions(dag)
    width = max(place.x + place.width for place in places.values()) + _MARGIN
    height = max(place.y for place in places.values()) + _ROW // 2 + _MARGIN
    frame = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {frame} font-family="monospace" font-size="12">']
    lines += [_edge(places[dependency], places[node.id]) for node in dag.nodes for dependency in node.dependencies]
    lines += [_box(node, places[node.id]) for node in (*dag.nodes, dag.last)]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _positions(dag: Dag) -> Mapping[str, _Position]:
    depths: dict[str, int] = {}
    for node in dag.nodes:
        depths[node.id] = 1 + max((depths[dependency] for dependency in node.dependencies), default=-1)
    rows = _rows(dag, depths)
    depths[dag.last.id] = 0
    rows[dag.last.id] = max(rows.values(), default=-2) + 2
    columns = [0] * (max(depths.values()) + 1)
    for node in (*dag.nodes, dag.last):
        columns[depths[node.id]] = max(columns[depths[node.id]], _width(node))
    left = [_MARGIN + sum(columns[:depth]) + _GAP * depth for depth in range(len(columns))]
    return {
        id: _Position(left[depth], _MARGIN + _BOX // 2 + round(rows[id] * _ROW), columns[depth])
        for id, depth in depths.items()
    }


def _rows(dag: Dag, depths: Mapping[str, int]) -> dict[str, float]:
    """Give each node without followers a row of its own, and each other node the middle of those that follow it.

    A node follows the deepest node that it waits for, so what follows one node takes adjoining rows and no two boxes
    of a column overlap.
    """
    followers: dict[str, list[str]] = {node.id: [] for node in dag.nodes}
    roots = []
    for node in dag.nodes:
        if node.dependencies:
            followers[max(node.dependencies, key=lambda dependency: depths[dependency])].append(node.id)
        else:
            roots.append(node.id)
    rows: dict[str, float] = {}
    free = 0
    waiting = [(root, False) for root in reversed(roots)]
    while waiting:
        id, is_placed_below = waiting.pop()
        if is_placed_below:
            rows[id] = (rows[followers[id][0]] + rows[followers[id][-1]]) / 2
        elif followers[id]:
            waiting.append((id, True))
            waiting += [(follower, False) for follower in reversed(followers[id])]
        else:
            rows[id] = float(free)
            free += 1
    return rows


def _label(node: Node) -> str:
    return f"{node.id} ({size(node)} metrics)" if size(node) > 1 else node.id


def _width(node: Node) -> int:
    return ceil(len(_label(node)) * _LETTER) + 2 * _PADDING


def _box(node: Node, place: _Position) -> str:
    fill, stroke = _FILLS[kind(node)]
    dashes = ' stroke-dasharray="4 3"' if kind(node) == "last" else ""
    return (
        f"<g><title>{escape(', '.join(node.metrics) or node.id)}</title>"
        f'<rect x="{place.x}" y="{place.y - _BOX // 2}" width="{place.width}" height="{_BOX}" rx="4" '
        f'fill="{fill}" stroke="{stroke}"{dashes}/>'
        f'<text x="{place.x + _PADDING}" y="{place.y + 4}">{escape(_label(node))}</text></g>'
    )


def _edge(start: _Position, end: _Position) -> str:
    x, middle = start.x + start.width, (start.x + start.width + end.x) // 2
    return (
        f'<path d="M{x} {start.y} C{middle} {start.y} {middle} {end.y} {end.x} {end.y}" fill="none" stroke="#999999"/>'
    )
