"""The drawing of a graph as a part of a page: a picture that knows which node and which edge each shape is.

Graphviz draws one picture for light and one for dark backgrounds. Both have the same shapes, so they are laid
over each other: every colour becomes `light-dark(one, other)`, and the page follows the reader's choice.
A shape that belongs to node 3 is in an element with `data-node="3"`, one of edge 5 with `data-edge="5"`, for
the script of the page to mark.
"""

from __future__ import annotations

import html
import re
from collections import defaultdict
from xml.etree import ElementTree

from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz.render import draw
from tinygrad_cnn.viz.wording import called

_SVG = "{http://www.w3.org/2000/svg}"
_COLOURS = ("fill", "stroke")
_NODE = re.compile(r"n(\d+)(?:_\d+_\d+)?")  # of a node that is drawn several times the name goes on

# Room for the gradients that the page writes beside the nodes.
_ROOMIER = "nodesep=0.55 ranksep=0.7"


def drawing(graph: Graph) -> str:
    """The SVG element that shows a graph.

    Raises:
        OptionalDependencyError: no Graphviz found.
        ArgumentError: more nodes than can be drawn; says how many.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(1.0, requires_grad=True, name="a")
    >>> 'data-node="0"' in drawing(tc.Graph.of(a + a))
    True
    """
    light, dark = (_picture(graph, theme) for theme in ("light", "dark"))
    for shape, same_in_the_dark in zip(light.iter(), dark.iter(), strict=True):
        _merge_colours(shape, same_in_the_dark)
    _mark(light, graph)
    for element in light.iter():
        element.attrib.pop("id", None)  # a page may hold several drawings, and ids are for one
        for title in element.findall(f"{_SVG}title"):
            element.remove(title)
        if element.tag == f"{_SVG}a":  # holds a tooltip; the page has better ones
            element.tag = f"{_SVG}g"
            element.attrib.clear()
    _, _, width, height = light.attrib["viewBox"].split()
    light.attrib.update(
        {"width": width, "height": height, "role": "group", "aria-label": "computation graph"}
    )
    ElementTree.register_namespace("", _SVG.strip("{}"))
    return ElementTree.tostring(light, encoding="unicode")


def _picture(graph: Graph, theme: str) -> ElementTree.Element:
    source = graph.to_dot(theme=theme).rstrip()
    return ElementTree.fromstring(draw(f"{source.removesuffix('}')}\t{_ROOMIER}\n}}\n", "svg"))


def _merge_colours(light: ElementTree.Element, dark: ElementTree.Element) -> None:
    for name in _COLOURS:
        one, other = light.attrib.get(name), dark.attrib.get(name)
        if one != other:
            light.attrib[name] = f"light-dark({one}, {other})"


def _mark(picture: ElementTree.Element, graph: Graph) -> None:
    """Write into each node's and edge's element which one it is."""
    places: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, edge in enumerate(graph.edges):
        places[edge.source, edge.target].append(place)
    names = called(graph)
    for element in picture.iter(f"{_SVG}g"):
        ids = [int(found) for found in _NODE.findall(html.unescape(element.findtext(f"{_SVG}title", "")))]
        if element.get("class") == "node" and ids:
            node = graph.nodes[ids[0]]
            element.attrib.update({"data-node": str(node.id), "tabindex": "0", "role": "button"})
            element.set("aria-label", f"{names[node.id]}, {node.op or node.kind}")
        elif element.get("class") == "edge" and len(ids) == 2:
            # An edge may be drawn from its end to its start; a source always has the lower id.
            between = (min(ids), max(ids))
            if places[between]:
                element.set("data-edge", str(places[between].pop(0)))
