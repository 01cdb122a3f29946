"""Graphs in DOT: every label survives, forms differ by kind, scopes are boxes."""

import time
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import UnknownName
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz import drawing, render
from tinygrad_cnn.viz.layout import Layout, depth
from tinygrad_cnn.viz.render import draw
from tinygrad_cnn.viz.theme import form, get_theme

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
    shapes = Graph.of(y).draw().picture.shapes
    looks = [form(shape, get_theme("light")) for shape in shapes]
    assert len({replace(look, title_size=0) for look in looks}) == 5
    in_print = {(look.ellipse, look.rounded, look.double, look.width > 0) for look in looks}
    assert len(in_print) == 5


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
    assert depth(chain(5).draw().picture) == 5
    assert 'rankdir="LR"' in chain(5).to_dot()
    assert 'rankdir="TB"' in chain(50).to_dot()


def test_in_deep_networks_parameters_stand_beside_their_operation():
    with tc.record():
        y = tc.ones(3)
        for _ in range(20):
            y = y * leaf([1.0, 1.0, 1.0], "w")
    layout = Layout(Graph.of(y).draw().picture)
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
    layout = Layout(Graph.of(y).draw().picture)
    assert sorted(layout.titles.values()) == sorted(f"activation{number}" for number in range(20))


def test_a_thousand_nodes_render():
    svg = picture(chain(999))
    nodes = [g for g in ElementTree.fromstring(svg).iter(f"{SVG}g") if g.get("class") == "node"]
    assert len(nodes) == 1000


# --- large pictures


@pytest.fixture(scope="module")
def ten_thousand():
    """The graph of about 10,000 single numbers."""
    x, w = leaf([[1.0] * 57], "x"), leaf([[0.01] * 57] * 57, "w")
    with tc.record():
        loss = (x @ w).tanh().square().sum()
    return Graph.of(loss).element(most_nodes=20_000)


def test_ten_thousand_numbers_in_thirty_seconds(ten_thousand, tmp_path):
    assert 9_000 < len(ten_thousand.nodes) < 11_000
    start = time.process_time()
    svg = ten_thousand.render(tmp_path / "numbers.svg")
    assert time.process_time() - start < 30
    nodes = [g for g in ElementTree.parse(svg).iter(f"{SVG}g") if g.get("class", "").endswith("-node")]
    assert len(nodes) == len(ten_thousand.nodes)


def placed(graph, monkeypatch):
    """Where our own layout puts the shapes of a small graph, by their titles."""
    monkeypatch.setattr(drawing, "LARGE", 0)
    shown = graph.draw()
    spots = render.placed(shown.to_dot(), engine="nop2").shapes
    return {shape.title: spots[shape.key] for shape in shown.picture.shapes}


def test_our_own_layout_runs_left_to_right_without_overlaps(monkeypatch):
    a, b = leaf(1.0, "a"), leaf(2.0, "b")
    spots = placed(Graph.of((a * b + a).exp()), monkeypatch)
    order = ["b", "·", "+", "eˣ"]
    assert [spots[name].x for name in order] == sorted(spots[name].x for name in order)
    names = list(spots)
    for one in names:
        for two in names[names.index(one) + 1 :]:
            across = abs(spots[one].x - spots[two].x) - (spots[one].width + spots[two].width) / 2
            up = abs(spots[one].y - spots[two].y) - (spots[one].height + spots[two].height) / 2
            assert max(across, up) >= 0, (one, two)


def test_what_is_needed_late_stands_late(monkeypatch):
    early, late = leaf(1.0, "early"), leaf(2.0, "late")
    spots = placed(Graph.of(early.exp().tanh().sqrt() * late), monkeypatch)
    assert spots["late"].x > spots["tanh"].x


def test_every_arrow_is_drawn_also_by_our_own_layout(monkeypatch):
    monkeypatch.setattr(drawing, "LARGE", 0)
    shown = Graph.of((leaf(1.0, "a") * 2).exp()).draw()
    curves = render.placed(shown.to_dot(), engine="nop2").curves
    assert set(curves) == {arrow.key for arrow in shown.picture.arrows}
