"""Every view in every format: any label survives, both backgrounds, many pictures on one page."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest
from viz.networks import leaf, lenet_graph, small_graph

import tinygrad_cnn as tc
from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.errors import UnknownName
from tinygrad_cnn.viz import render
from tinygrad_cnn.viz._tex import tex
from tinygrad_cnn.viz.mermaid import _text

AWKWARD = [
    'say "hi"',
    "back\\slash \\n \\N",
    "ends in \\",
    "<a> & <b>",
    "two\nlines",
    "naïve 🙂 ∂ŷ",
    "",
    "#35; %x% {y} $z$ ~ ^ _u_",
    "`code` **b** |p| [q]",
    "1. list",
    "end",
    "bell \x07 half \ud83d",
]
FORMATS = ("svg", "png", "pdf", "dot", "mmd", "tex")


def awkward_graph():
    """Leaves, results and scopes with all the awkward names."""
    with tc.record():
        total = leaf(0.0, "total")
        for name in AWKWARD:
            with tc.name_scope(name.replace("/", "|") or "empty"):
                result = leaf(1.0, name).exp()
                result.name = name
            total = total + result
    return tc.Graph.of(total)


@pytest.fixture(scope="module")
def awkward():
    graph = awkward_graph()
    graph.backward()
    return graph


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("view", ["forward", "twin"])
def test_any_label_in_every_format_68(awkward, view, format, tmp_path):
    assert awkward.render(tmp_path / f"g.{format}", view=view).stat().st_size > 1000


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("format", FORMATS)
def test_both_backgrounds(format, theme, tmp_path):
    options = {"values": True, "gradients": True, "theme": theme}
    assert small_graph().render(tmp_path / f"g.{format}", **options).stat().st_size > 500


@pytest.mark.parametrize("format", ["svg", "dot", "mmd", "tex"])
def test_backgrounds_differ(format):
    drawn = [small_graph().draw(theme=theme) for theme in ("light", "dark")]
    write = {"svg": "to_svg", "dot": "to_dot", "mmd": "to_mermaid", "tex": "to_tikz"}[format]
    assert getattr(drawn[0], write)() != getattr(drawn[1], write)()


# --- SVG


def ids(svg):
    return {element.get("id") for element in ElementTree.fromstring(svg.encode()).iter()} - {None}


def classes(svg):
    return {element.get("class") for element in ElementTree.fromstring(svg.encode()).iter()} - {None}


def test_two_pictures_on_one_page_share_no_id_and_no_class():
    graph = lenet_graph()
    first, second = graph._repr_svg_(), graph._repr_svg_()
    assert len(ids(first)) > len(graph.nodes)
    assert not ids(first) & ids(second)
    assert not classes(first) & classes(second)


def test_ids_say_which_node_and_which_edge():
    graph = small_graph()
    found = ids(graph.draw(view="twin").to_svg("one"))
    assert {f"one-n{node.id}" for node in graph.nodes} <= found
    assert {f"one-e{place}" for place in range(len(graph.edges))} <= found
    assert f"one-g{graph.node('w').id}" in found


def test_a_file_is_the_same_every_time(tmp_path):
    one, two = (small_graph().render(tmp_path / f"{n}.svg").read_bytes() for n in (1, 2))
    assert one == two


def test_text_that_looks_like_markup_keeps_its_ids():
    svg = tc.Graph.of(leaf(1.0, '<g id="x" class="y">').exp()).draw().to_svg("p")
    assert '<g id="x" class="y">' in "".join(ElementTree.fromstring(svg.encode()).itertext())


# --- LaTeX


@pytest.mark.parametrize("op", REGISTRY.values(), ids=lambda op: op.name)
def test_every_symbol_has_its_sign_in_latex(op):
    assert "U+" not in tex(op.symbol)
    assert tex(op.symbol).isascii()


@pytest.mark.parametrize("name", AWKWARD)
def test_latex_is_ascii_with_balanced_braces(name):
    written = tex(name.replace("\n", " "))
    assert written.isascii()
    assert len(re.findall(r"(?<!\\){", written)) == len(re.findall(r"(?<!\\)}", written))


def test_what_latex_has_no_sign_for_is_written_as_its_number():
    assert tex("🙂") == r"{\ttfamily[U+1F642]}"


@pytest.mark.parametrize(
    "options", [{}, {"view": "twin", "fold": 1}, {"values": True, "gradients": True}], ids=str
)
def test_everything_in_the_picture_is_in_the_latex(options):
    drawing = lenet_graph(values=True).draw(**options)
    written = drawing.to_tikz()
    placement = render.placed(drawing.to_dot())
    assert set(placement.curves) == {arrow.key for arrow in drawing.picture.arrows}
    assert len(placement.shapes) == len(drawing.picture.shapes)
    assert written.count(" .. controls ") >= len(drawing.picture.arrows)
    for shape in drawing.picture.shapes:
        assert tex(shape.title) in written


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX is installed")
@pytest.mark.parametrize("view", ["forward", "twin"])
def test_pdflatex_compiles_it(awkward, view, tmp_path):
    awkward.render(tmp_path / "g.tex", view=view, values=True)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "g.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stdout[-2000:]


# --- Mermaid


@pytest.mark.parametrize("view", ["forward", "twin"])
def test_a_cast_says_to_which_dtype(view, tmp_path):
    w = tc.ones(3, 2, requires_grad=True)
    with tc.record(), tc.amp.autocast(tc.float16):
        loss = (tc.ones(1, 2) @ w.T).sum()
    graph = tc.Graph.of(loss)
    graph.backward()
    svg = graph.render(tmp_path / "cast.svg", view=view).read_text(encoding="utf-8")
    latex = graph.to_tikz(view=view).replace(r"\ensuremath{\rightarrow}", "→")
    for text in (svg, graph.to_mermaid(view=view), graph.to_dot(view=view), latex):
        assert (text.count("cast → float16"), text.count("cast → float32")) == (2, 1)
    assert [node.name for node in graph.nodes if node.op == "cast"] == ["cast", "cast_1", "cast_2"]


def test_mermaid_has_every_node_and_every_arrow():
    drawing = lenet_graph().draw(fold=1)
    lines = drawing.to_mermaid().splitlines()
    shapes, arrows = drawing.picture.shapes, drawing.picture.arrows
    for shape in shapes:
        assert sum(line.strip().startswith(f"style {shape.key} ") for line in lines) == 1
    assert sum(bool(re.match(r"  \w+ (-->|==>|-\.->)", line)) for line in lines) == len(arrows)
    assert sum(line.startswith("  linkStyle ") for line in lines) == len(arrows)
    assert sum("subgraph" in line for line in lines) == sum(line.strip() == "end" for line in lines)


@pytest.mark.parametrize("name", AWKWARD)
def test_nothing_in_a_label_means_anything_to_mermaid(name):
    written = _text(name)
    assert not set('"<>\\`*_~|{}[]$%@\n') & set(written)
    plain = re.sub(r"#(\d+);", lambda match: chr(int(match[1])), written)
    expected = name.replace("\\n", "\\\u2060n").encode(errors="replace").decode()
    assert plain.replace("\ufffd", " ").strip() == re.sub(r"[\x00-\x1f]", " ", expected).strip()


def test_mermaid_runs_as_the_other_formats_do():
    assert small_graph().to_mermaid().splitlines()[1] == "flowchart LR"
    assert lenet_graph().to_mermaid().splitlines()[1] == "flowchart TB"
    assert small_graph().to_mermaid(view="backward").splitlines()[1] == "flowchart RL"


# --- the direction of reading ---------------------------------------------------------------------


def size(svg):
    width, height = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg).groups()
    return float(width), float(height)


def chain(length):
    a = leaf(1.0, "a")
    for _ in range(length):
        a = a.tanh()
    return tc.Graph.of(a)


@pytest.mark.parametrize(("direction", "rankdir"), [("right", "LR"), ("down", "TB")])
@pytest.mark.parametrize("length", [3, 20])
def test_the_direction_is_as_asked(direction, rankdir, length):
    drawing = chain(length).draw(direction=direction)
    assert f'rankdir="{rankdir}"' in drawing.to_dot()
    assert drawing.to_mermaid().splitlines()[1] == f"flowchart {rankdir}"
    width, height = size(drawing.to_svg())
    assert (height > width) == (direction == "down")


def test_deep_networks_run_down_by_themselves():
    assert 'rankdir="LR"' in chain(3).to_dot()
    assert 'rankdir="TB"' in chain(20).to_dot()


def test_a_notebook_shows_what_is_wider_than_the_page_from_top_to_bottom():
    short, long = chain(2), chain(12)
    assert size(short._repr_svg_())[0] > size(short._repr_svg_())[1]
    wide = size(long.draw().to_svg())[0]
    assert size(long._repr_svg_())[0] < wide / 5
    assert size(long.draw(direction="right")._repr_svg_())[0] == 720 < wide


def test_an_unknown_direction():
    with pytest.raises(UnknownName, match="right"):
        chain(2).draw(direction="left")


def test_the_same_drawing_has_the_same_text():
    graph = small_graph()
    assert graph.draw().to_svg() == graph.draw().to_svg()
