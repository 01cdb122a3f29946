"""The worked examples of the lectures as graphs: every number on the slides, read off our own graphs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name):
    """One of the scripts under examples/, as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "pictures"),
    [
        ("graph_slide", ["graph_slide", "graph_slide_values"]),
        ("logistic_regression", [f"logistic_regression_{part}" for part in ("backward", "forward", "paths")]),
        ("convolution_backward", ["convolution_backward", "convolution_o00", "convolution_twin"]),
    ],
)
def test_the_scripts_write_their_pictures(name, pictures, tmp_path):
    example(name).main(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{picture}.svg" for picture in pictures]


# --- the graph slide ------------------------------------------------------------------------------


def test_the_nodes_of_the_slide():
    drawing = example("graph_slide").two_layers().draw(fold="Softmax")
    shapes = {shape.key: shape.subtitle or shape.title for shape in drawing.picture.shapes}
    order = ["W1", "x", "MatMul", "Sigmoid", "W2", "MatMul_1", "Softmax"]
    assert sorted(shapes.values()) == sorted(order)
    arrows = {(shapes[arrow.start], shapes[arrow.end]) for arrow in drawing.picture.arrows}
    assert arrows == {
        ("x", "MatMul"),
        ("W1", "MatMul"),
        ("MatMul", "Sigmoid"),
        ("Sigmoid", "MatMul_1"),
        ("W2", "MatMul_1"),
        ("MatMul_1", "Softmax"),
    }


def test_the_values_of_the_slide():
    graph = example("graph_slide").two_layers()
    shapes = {name: graph.node(name).outputs[0].shape for name in ("x", "W1", "MatMul", "W2", "MatMul_1")}
    assert shapes == {"x": (10, 1), "W1": (4, 10), "MatMul": (4, 1), "W2": (2, 4), "MatMul_1": (2, 1)}
    assert graph.node("Sigmoid").value.tolist() == [[0.5]] * 4
    assert graph.nodes[graph.outputs[0]].value.tolist() == [[0.5], [0.5]]


# --- logistic regression by single numbers --------------------------------------------------------


@pytest.fixture(scope="module")
def logistic():
    return example("logistic_regression")


def test_every_forward_number(logistic):
    numbers = logistic.loss_graph(*logistic.SAMPLES[0]).element()
    z = [0.65 * 0.2 + 1.19 * 0.7, 0.69 * 0.2 - 0.92 * 0.7]
    h = np.exp(z)
    expected = {
        "z[0]": z[0],
        "z[1]": z[1],
        "h[0]": h[0],
        "h[1]": h[1],
        "H": h.sum(),
        "ŷ[0]": h[0] / h.sum(),
        "ŷ[1]": h[1] / h.sum(),
        "L": -np.log(h[0] / h.sum()),
    }
    for name, value in expected.items():
        assert numbers.node(name).value.item() == pytest.approx(value, rel=1e-12), name
    assert numbers.node("ŷ[0]").value.item() == pytest.approx(0.8129, abs=5e-5)
    assert numbers.node("ŷ[1]").value.item() == pytest.approx(0.1871, abs=5e-5)


def test_all_paths_of_b1(logistic):
    """Through h1 alone, and through H to both predictions: −y1, y1 · h1/H and y2 · h1/H."""
    paths = logistic.loss_graph(*logistic.SAMPLES[0]).element().paths("b[0]")
    share = 0.8129
    assert sorted(path.value for path in paths.paths) == pytest.approx([-1, 0, share], abs=5e-5)
    assert paths.total == pytest.approx(share - 1, abs=5e-5)
    assert paths.total == pytest.approx(-0.19, abs=0.005)
    written = str(paths)
    assert written.startswith("∂L/∂b[0] over 3 paths")
    assert "∂H/∂h[0]" in written


def test_the_walk_finds_the_same_slope(logistic):
    numbers = logistic.loss_graph(*logistic.SAMPLES[0]).element()
    found = {numbers.nodes[event.node].name: event.value for event in numbers.events if event.kind == "visit"}
    assert found["b[0]"].item() == pytest.approx(numbers.paths("b[0]").total, rel=1e-12)
    assert found["b[1]"].item() == pytest.approx(0.1871, abs=5e-5)


def test_the_three_samples_and_one_step(logistic, tmp_path, capsys):
    slopes = [logistic.slope(x, y) for x, y in logistic.SAMPLES]
    np.testing.assert_allclose(slopes, [-0.19, 0.54, -0.26], atol=0.006)
    assert np.mean(slopes) == pytest.approx(0.03, abs=0.005)
    assert -0.1 * np.mean(slopes) == pytest.approx(-0.003, abs=0.0005)
    logistic.main(tmp_path)
    assert "one step with α = 0.1: b1 = -0.003" in capsys.readouterr().out


def test_the_picture_shows_the_paths_with_their_derivatives(logistic):
    numbers = logistic.loss_graph(*logistic.SAMPLES[0]).element()
    paths = numbers.paths("b[0]")
    arrows = numbers.draw(highlight=paths).picture.arrows
    marked = [place for place, arrow in enumerate(arrows) if arrow.mark == "path"]
    assert set(marked) == paths.edges
    texts = {block.text for place in marked for block in arrows[place].blocks}
    assert "∂z[0]/∂b[0] = 1" in texts
    assert "∂h[0]/∂z[0] = 2.61954" in texts


# --- convolution, forward and backward ------------------------------------------------------------


@pytest.fixture(scope="module")
def convolution():
    module = example("convolution_backward")
    graph = module.convolution()
    graph.backward()
    return module, graph


@pytest.mark.parametrize(
    ("row", "column", "products"),
    [
        (0, 0, {"x00f00", "x01f01", "x10f10", "x11f11"}),
        (0, 1, {"x01f00", "x02f01", "x11f10", "x12f11"}),
        (1, 0, {"x10f00", "x11f01", "x20f10", "x21f11"}),
        (1, 1, {"x11f00", "x12f01", "x21f10", "x22f11"}),
    ],
)
def test_the_four_forward_equations(convolution, row, column, products):
    module, graph = convolution
    name, _, right = module.equation(graph, row, column).partition(" = ")
    assert name == f"O{row}{column}"
    found = {"".join(sorted(product.split("·"), reverse=True)) for product in right.split(" + ")}
    assert found == products


def slide(image, kernel):
    """The slides' convolution: the kernel slides over the image as it is."""
    image, kernel = (tc.tensor([[np.asarray(rows).tolist()]], dtype="float64") for rows in (image, kernel))
    return F.conv2d(image, kernel)[0, 0].numpy()


def test_the_kernels_gradient_is_a_convolution_of_the_input(convolution):
    module, graph = convolution
    found = module.gradient(graph, "f").numpy()
    np.testing.assert_allclose(found, slide(module.X, module.GRADIENT), rtol=1e-12)
    assert found[0, 0] == pytest.approx(1.245)  # x00, x01, x10, x11, digit by digit


def test_the_inputs_gradient_is_the_full_convolution_with_the_rotated_kernel(convolution):
    module, graph = convolution
    rotated = np.rot90(module.KERNEL, 2)
    expected = slide(np.pad(module.GRADIENT, 1), rotated)
    np.testing.assert_allclose(module.gradient(graph, "x").numpy(), expected, rtol=1e-12)


def test_single_numbers_agree_with_tensors(convolution):
    module, graph = convolution
    numbers = graph.element()
    for name, size in (("x", 3), ("f", 2)):
        whole = module.gradient(graph, name).numpy()
        for row in range(size):
            for column in range(size):
                node = numbers.node(f"{name}[0, 0, {row}, {column}]").id
                visits = [
                    event.value for event in numbers.events if (event.kind, event.node) == ("visit", node)
                ]
                assert visits[0].item() == pytest.approx(whole[row, column], rel=1e-12)


def test_the_middle_of_the_input_collects_from_all_four_outputs(convolution):
    _, graph = convolution
    paths = graph.element().paths("x[0, 0, 1, 1]")
    assert paths.count == 4
    assert paths.total == pytest.approx(1 * 4 + 0.1 * 3 + 0.01 * -2 + 0.001 * 1, rel=1e-12)
