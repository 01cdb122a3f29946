"""Plots: written whole, of the right size, with readable errors."""

import sys

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import viz
from tinygrad_cnn.errors import ArgumentError, OptionalDependencyError, ShapeError
from tinygrad_cnn.viz.theme import number, shape_text

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
from matplotlib.image import imread  # noqa: E402

HISTORY = {
    "epoch": [1, 2, 3],
    "train_loss": [0.9, 0.6, 0.5],
    "train_accuracy": [0.6, 0.7, 0.8],
    "test_loss": [0.8, 0.7, 0.65],
    "test_accuracy": [0.65, 0.7, 0.72],
}


def assert_is_a_picture(path, width=None, height=None):
    pixels = imread(path)
    assert pixels.std() > 0.01  # something is on it
    if width is not None:
        assert pixels.shape[:2] == (height, width)


def test_history(tmp_path):
    path = viz.plot_history(HISTORY, tmp_path / "curves.png")
    assert_is_a_picture(path, width=9 * 144, height=547)


def test_a_single_epoch_is_drawn(tmp_path):
    assert_is_a_picture(viz.plot_history({k: v[:1] for k, v in HISTORY.items()}, tmp_path / "curves.png"))


def test_history_without_a_measurement(tmp_path):
    with pytest.raises(ArgumentError, match="test_accuracy"):
        viz.plot_history({"epoch": [1]}, tmp_path / "curves.png")


def test_an_empty_history(tmp_path):
    with pytest.raises(ArgumentError, match="nothing to draw yet"):
        viz.plot_history({name: [] for name in HISTORY}, tmp_path / "curves.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("classes", [2, 10, 20])
def test_confusion(tmp_path, classes):
    matrix = np.eye(classes, dtype=int) * 50 + 2
    path = viz.plot_confusion(matrix, [f"class {i}" for i in range(classes)], tmp_path / "m.png")
    assert_is_a_picture(path)


def test_confusion_of_a_class_that_never_occurs(tmp_path):
    assert_is_a_picture(viz.plot_confusion([[3, 1], [0, 0]], ["a", "b"], tmp_path / "m.png"))


def test_confusion_of_another_size(tmp_path):
    with pytest.raises(ShapeError, match=r"\(3, 3\)"):
        viz.plot_confusion(np.eye(2), ["a", "b", "c"], tmp_path / "m.png")


@pytest.mark.parametrize("shape", [(6, 1, 5, 5), (8, 3, 3, 3), (1, 1, 1, 1), (7, 2, 3, 5), (64, 3, 11, 11)])
def test_filters(tmp_path, shape):
    weights = np.random.default_rng(0).normal(size=shape)
    assert_is_a_picture(viz.plot_filters(weights, tmp_path / "f.png"))


def test_filters_of_a_layer_as_they_are(tmp_path):
    assert_is_a_picture(viz.plot_filters(tc.nn.Conv2d(1, 6, 5).weight, tmp_path / "f.png"))


def test_filters_that_are_all_zero(tmp_path):
    assert_is_a_picture(viz.plot_filters(np.zeros((2, 1, 3, 3)), tmp_path / "f.png"))


@pytest.mark.parametrize("shape", [(6, 25), (0, 1, 5, 5)])
def test_filters_of_another_shape(tmp_path, shape):
    with pytest.raises(ShapeError, match=r"\(O, C, H, W\)"):
        viz.plot_filters(np.zeros(shape), tmp_path / "f.png")


def test_too_many_filters_suggests_some(tmp_path):
    with pytest.raises(ArgumentError, match="4,096 kernels"):
        viz.plot_filters(np.zeros((64, 64, 3, 3)), tmp_path / "f.png")


@pytest.mark.parametrize("format", ["svg", "pdf"])
def test_other_formats(tmp_path, format):
    assert viz.plot_history(HISTORY, tmp_path / f"curves.{format}").stat().st_size > 1000


def test_an_unknown_extension(tmp_path):
    with pytest.raises(ArgumentError, match=r"\.png, \.svg, \.pdf"):
        viz.plot_history(HISTORY, tmp_path / "curves.gif")


def test_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(OptionalDependencyError, match=r"tinygrad-cnn\[viz\]"):
        viz.plot_history(HISTORY, tmp_path / "curves.png")


def test_plotting_leaves_global_figures_alone(tmp_path):
    before = "matplotlib.pyplot" in sys.modules
    viz.plot_history(HISTORY, tmp_path / "curves.png")
    assert ("matplotlib.pyplot" in sys.modules) == before


@pytest.mark.parametrize(
    ("value", "text"), [(-0.0374, "−0.0374"), (3.0, "3"), (123456789.0, "1.23457e+08"), (float("nan"), "nan")]
)
def test_numbers_have_six_digits_and_a_real_minus(value, text):
    assert number(value) == text


def test_shapes_in_words():
    assert [shape_text(shape) for shape in ((), (3,), (64, 6))] == ["scalar", "(3,)", "(64, 6)"]
