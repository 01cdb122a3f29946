"""Graphs in DOT: every label survives, forms differ by kind, scopes are boxes."""

import xml.etree.ElementTree as ElementTree

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentError, UnknownName
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz import dot
from tinygrad_cnn.viz.layout import Layout, depth
from tinygrad_cnn.viz.render import draw

SVG = "{http://www.w3.org/2000/svg}"
AWKWARD = [
    'say "hi"',
    "back\\slash \\n \\N \\G",
    "ends in \\",
    "<a>",
    "a & b &amp;",
    "two\nlines",
    "naïve 🙂 ∂",
    "",
    "<<B>x</B>>",
]


def texts(svg):
    """Every piece of visible text of a picture."""
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def picture(graph):
    return draw(graph.to_dot(), "svg")


def leaf(value, name=None):
    return tc.tensor(value, requires_grad=True, name=name)


@pytest.mark.parametrize("name", AWKWARD)
def test_any_label_survives_68(name):
    graph = Graph.of(leaf(1.0, name) * 1.0)
    shown = texts(picture(graph))
    for line in name.splitlines():
        assert line in shown


@pytest.mark.parametrize("name", [name.replace("/", "|") for name in AWKWARD if name])
def test_any_scope_survives_68(name):
    with tc.name_scope(name):
        y = leaf(1.0).exp()
    shown = texts(picture(Graph.of(y)))
    for line in name.splitlines():
        assert line in shown


def test_what_xml_cannot_hold_is_replaced():
    shown = texts(picture(Graph.of(leaf(1.0, "bell \x07 and half \ud83d").exp())))
    assert "bell \ufffd and half \ufffd" in shown


def test_long_names_are_cut_and_whole_in_the_tooltip():
    name = "x" * 100
    svg = picture(Graph.of(leaf(1.0, name).exp()))
    assert f"{'x' * 31}…" in texts(svg)
    assert name.encode() in svg


def test_shapes_are_on_the_edges():
    y = tc.nn.Conv2d(1, 6, 5)(tc.zeros(2, 1, 28, 28))
    shown = [text.strip() for text in texts(picture(Graph.of(y)))]
    for shape in ("(2, 1, 28, 28)", "(6, 1, 5, 5)", "(2, 6, 24, 24)"):
        assert shape in shown


def test_scopes_are_boxes_inside_boxes():
    network = tc.nn.Sequential(tc.nn.Linear(3, 2))
    svg = ElementTree.fromstring(picture(Graph.of(network(tc.ones(1, 3)))))
    boxes = [g.find(f"{SVG}title").text for g in svg.iter(f"{SVG}g") if g.get("class") == "cluster"]
    assert boxes == ["cluster_Sequential", "cluster_Sequential/0"]


def test_kinds_differ_in_form_and_colour():
    with tc.record():
        y = tc.tensor([1.0], name="x") * leaf([1.0], "w") + 1.0
    drawn = [dot._node_attributes(node, dot.get_theme("light")) for node in Graph.of(y).nodes]
    forms = [(one["shape"], one.get("style"), one.get("fillcolor"), one.get("peripheries")) for one in drawn]
    assert len(set(forms)) == 5


def test_a_constant_shows_its_number_with_a_real_minus():
    with tc.record():
        y = leaf(1.0) * -2.5
    assert "−2.5" in texts(picture(Graph.of(y)))


def test_dark_has_other_colours_and_the_same_words():
    graph = Graph.of(leaf(1.0, "a").exp())
    light, dark = draw(graph.to_dot(), "svg"), draw(graph.to_dot(theme="dark"), "svg")
    assert light != dark
    assert texts(light) == texts(dark)


def test_an_unknown_theme_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'dark'"):
        Graph.of(leaf(1.0).exp()).to_dot(theme="drak")


def test_the_same_graph_gives_the_same_dot():
    def source():
        return Graph.of((leaf(1.0, "a") * 2).exp()).to_dot()

    first = source()
    assert source() == first


# --- where things go


def chain(length, parameter=None):
    y = tc.ones(3)
    with tc.record():
        for _ in range(length):
            y = y.tanh() if parameter is None else y * parameter
    return Graph.of(y)


def test_shallow_runs_left_to_right_and_deep_top_to_bottom():
    assert depth(chain(5)) == 5
    assert "rankdir=LR" in chain(5).to_dot()
    assert "rankdir=TB" in chain(50).to_dot()


def test_in_deep_networks_parameters_stand_beside_their_operation():
    with tc.record():
        y = tc.ones(3)
        for _ in range(20):
            y = y * leaf([1.0, 1.0, 1.0], "w")
    layout = Layout(Graph.of(y))
    assert len(layout.rows[""]) == 20


def test_a_parameter_with_many_consumers_is_drawn_beside_each():
    graph = chain(100, leaf(1.0, "shared"))
    assert texts(picture(graph)).count("shared") == 100


def test_room_is_kept_for_the_title_of_a_box_that_the_stream_enters():
    with tc.record():
        y = tc.ones(3)
        for number in range(20):
            with tc.name_scope(f"activation{number}"):
                y = y.tanh()
    layout = Layout(Graph.of(y))
    assert sorted(layout.titles.values()) == sorted(f"activation{number}" for number in range(20))


def test_a_thousand_nodes_render():
    svg = picture(chain(999))
    nodes = [g for g in ElementTree.fromstring(svg).iter(f"{SVG}g") if g.get("class") == "node"]
    assert len(nodes) == 1000


def test_too_many_nodes_says_how_many(monkeypatch):
    monkeypatch.setattr(dot, "MOST_NODES", 10)
    with pytest.raises(ArgumentError, match="this graph has 31 nodes"):
        chain(30).to_dot()
