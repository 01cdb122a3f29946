"""The views: backward as a graph of its own, twins side by side, gradients in the forward view."""

import pytest
from viz.networks import leaf, lenet_graph, small_graph

import tinygrad_cnn as tc
from tinygrad_cnn.errors import GradientError, UnknownName


def by_key(picture):
    return {shape.key: shape for shape in picture.shapes}


def texts(thing):
    return [block.text for block in thing.blocks]


# --- twin


def test_each_node_has_its_gradient_beside_it():
    graph = small_graph()
    picture = graph.draw(view="twin").picture
    shapes = by_key(picture)
    names = {shapes[one].subtitle or shapes[one].title: shapes[other].title for one, other in picture.twins}
    assert names["h"] == "∂L/∂h"
    assert names["L"] == "∂L/∂L"
    assert "x" not in names  # data gets no gradient
    assert all(shapes[other].gradient and not shapes[one].gradient for one, other in picture.twins)


def test_contributions_run_against_the_flow():
    graph = small_graph()
    picture = graph.draw(view="twin").picture
    forward = {(a.start, a.end) for a in picture.arrows if a.flow == "value"}
    back = [arrow for arrow in picture.arrows if arrow.flow == "gradient"]
    assert len(back) == sum(event.kind == "contribution" for event in graph.events)
    for arrow in back:
        assert (f"n{arrow.end[1:]}", f"n{arrow.start[1:]}") in forward
        assert arrow.against
        assert any(fact.startswith("∂L/∂") for fact in arrow.facts)


def test_saved_values_carry_their_bytes_across():
    picture = lenet_graph().draw(view="twin", fold=1).picture
    saved = {(a.start, a.end): a for a in picture.arrows if a.flow == "saved"}
    total = sum(arrow.kept for arrow in saved.values())
    assert total == sum(each.bytes for node in lenet_graph().nodes for each in node.saved)
    labels = [text for arrow in saved.values() for text in texts(arrow)]
    assert "36.8 KiB" in labels  # 2 · 6 · 28 · 28 numbers of 4 bytes, which ReLU keeps


def test_the_walk_is_made_when_it_is_needed():
    graph = small_graph()
    assert not graph.events
    graph.draw(view="twin")
    assert graph.events


def test_a_trace_is_drawn_like_the_graph_it_was_written_from(tmp_path):
    graph = small_graph()
    graph.backward()
    loaded = tc.Graph.load(graph.save(tmp_path / "trace.json"))
    for view in ("forward", "backward", "twin"):
        options = {"view": view, "values": True, "gradients": True}
        assert loaded.to_dot(**options) == graph.to_dot(**options)


def test_a_trace_without_a_walk_says_so(tmp_path):
    loaded = tc.Graph.load(small_graph().save(tmp_path / "trace.json"))
    with pytest.raises(GradientError, match="before its backward"):
        loaded.draw(view="twin")


def test_single_numbers_have_their_contributions_on_the_arrows():
    a = leaf(3.0, "a")
    numbers = tc.Graph.of(a * 5).element()
    picture = numbers.draw(view="twin").picture
    sent = [texts(arrow) for arrow in picture.arrows if arrow.flow == "gradient" and arrow.end == "g0"]
    assert sent == [["5"]]


# --- backward


def test_the_backward_pass_is_a_graph():
    graph = small_graph()
    picture = graph.draw(view="backward").picture
    shapes = by_key(picture)
    assert picture.mirrored
    assert {f"n{node.id}" for node in graph.backward_nodes} <= set(shapes)
    named = {text for shape in shapes.values() for text in texts(shape)}
    assert {"∂L/∂w", "∂L/∂h", "∂L/∂L"} <= named


def test_what_the_rules_read_comes_in_with_its_bytes():
    picture = small_graph().draw(view="backward").picture
    saved = [shape for shape in picture.shapes if shape.role == "saved"]
    assert {shape.title for shape in saved} == {"x", "h"}
    arrows = [arrow for arrow in picture.arrows if arrow.flow == "saved"]
    assert {text for arrow in arrows for text in texts(arrow)} == {"8 B"}


def test_gradients_of_leaves_end_it():
    picture = small_graph().draw(view="backward").picture
    ends = [texts(shape) for shape in picture.shapes if shape.role == "output"]
    assert ends == [["∂L/∂w"]]


def test_operations_of_the_backward_pass_stand_in_the_boxes_of_their_origin():
    picture = lenet_graph().draw(view="backward", fold=1).picture
    boxes = [shape for shape in picture.shapes if shape.role == "fold"]
    assert {shape.title for shape in boxes} == {
        f"∂ {name}" for name in ("conv1", "conv2", "fc1", "fc2", "fc3")
    }
    assert all(any(text.startswith("saved ") for text in texts(box)) for box in boxes)


def test_single_numbers_have_no_backward_operations():
    with pytest.raises(GradientError, match="no operations of its own") as caught:
        small_graph().element().draw(view="backward")
    assert 'view="twin"' in caught.value.hint


def test_an_unknown_view_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'backward'"):
        small_graph().draw(view="backwards")


def test_graphs_of_gradients_are_drawn_by_the_same_code():
    x = leaf(2.0, "x")
    y = x * x * x
    (slope,) = tc.grad(y, [x], create_graph=True)
    graph = tc.Graph.of(slope)
    picture = graph.draw(view="twin").picture
    shapes = by_key(picture)
    of_backward = {node.id for node in graph.nodes if shapes[f"n{node.id}"].gradient}
    assert graph.outputs[0] in of_backward
    assert graph.node("x").id not in of_backward
    assert texts(shapes[f"g{graph.node('x').id}"]) == ["12"]  # the second derivative of x³ at 2


# --- values and gradients in the forward view


def test_small_tensors_are_whole():
    shapes = {shape.title: shape for shape in small_graph().draw(values=True).picture.shapes}
    assert shapes["w"].blocks[0].texts == (("3", "−4"),)
    assert shapes["w"].blocks[0].diverging
    assert not shapes["x"].blocks[0].diverging


def test_large_tensors_are_summed_up():
    graph = lenet_graph(values=True)
    shapes = {shape.key: shape for shape in graph.draw(values=True).picture.shapes}
    image, figures, bars = shapes[f"n{graph.node('images').id}"].blocks
    assert not any(map(any, image.texts))
    assert figures.text == "0 … 0 … 0"
    assert len(bars.text) == 16


def test_gradients_are_named_and_vermillion():
    shapes = {shape.title: shape for shape in small_graph().draw(gradients=True).picture.shapes}
    name, table = shapes["w"].blocks
    assert (name.text, name.tone) == ("∂L/∂w", "gradient")
    assert table.texts == (("6", "−32"),)
    assert not shapes["x"].blocks


@pytest.mark.parametrize(("factor", "word"), [(0.0, "zero"), (float("nan"), "NaN"), (1e9, "huge")])
def test_a_gradient_that_needs_a_look_is_marked_with_a_word(factor, word):
    w = leaf([1.0, 2.0], "w")
    graph = tc.Graph.of((w * factor).sum())
    shape = next(shape for shape in graph.draw(gradients=True).picture.shapes if shape.title == "w")
    assert (shape.blocks[-1].text, shape.blocks[-1].tone) == (word, "alarm")


def test_single_numbers_stand_on_the_arrows_instead_of_their_shape():
    numbers = small_graph().element()
    written = [text for arrow in numbers.draw(gradients=True).picture.arrows for text in texts(arrow)]
    assert "scalar" not in written
    assert {"3", "−4", "−8"} <= set(written)


def test_one_scale_for_all_arrays_of_a_kind():
    picture = small_graph().draw(values=True, gradients=True).picture
    assert "weights −4 blue … 0 … 4 red" in picture.caption
    assert "gradients −32 blue … 0 … 32 red" in picture.caption
    shapes = {shape.title: shape for shape in picture.shapes}
    assert shapes["w"].blocks[0].shades == ((0.75, -1.0),)


def test_a_part_of_a_graph_beside_its_gradients():
    """What flows into the part has no gradient there: more may arrive from elsewhere."""
    a = tc.tensor([1.0, 2.0], requires_grad=True, name="a")
    with tc.name_scope("box"):
        y = (a * 2).exp().sum()
    whole = tc.Graph.of(y * a.sum())
    whole.backward()
    part = whole.zoom("box")
    keys = {shape.key for shape in part.draw(view="twin").picture.shapes}
    arrows = part.draw(view="twin").picture.arrows
    assert {arrow.start for arrow in arrows} | {arrow.end for arrow in arrows} <= keys
    assert "digraph" in part.to_dot(view="twin")
