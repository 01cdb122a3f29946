"""Curves with tangents, bars, and regions of a classifier."""

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import viz
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, ShapeError

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
from viz.plotted import texts  # noqa: E402

X = np.linspace(-2, 2, 50)
PARABOLA = {"x²": (X, X**2)}
AXES = {"xlabel": "x", "ylabel": "y"}


def lines(plot):
    (axes,) = plot.figure.axes
    return [line.get_xydata() for line in axes.lines]


# --- curves ---------------------------------------------------------------------------------------


def test_curves_have_names_and_go_through_their_points():
    plot = viz.plot_lines(
        {"x²": (X, X**2), "2x": (tc.tensor(X), tc.tensor(X) * 2)}, title="Two curves", **AXES
    )
    np.testing.assert_array_equal(lines(plot)[0], np.stack([X, X**2], axis=1))
    np.testing.assert_array_equal(lines(plot)[1], np.stack([X, 2 * X], axis=1))
    assert {"x", "y", "x²", "2x", "Two curves"} <= set(texts(plot))
    assert repr(plot) == "<Plot of Two curves>"


def test_curves_differ_in_more_than_their_colour():
    (axes,) = viz.plot_lines({str(i): (X, X + i) for i in range(6)}, **AXES).figure.axes
    assert len({line.get_color() for line in axes.lines}) == 6
    assert len({str(line._dash_pattern) for line in axes.lines}) == 6


def test_a_tangent_touches_its_point_with_its_slope():
    one = tc.tensor(1.0)
    plot = viz.plot_lines(PARABOLA, mark=viz.Point(one, one, slope=one * 2), **AXES)
    assert "slope 2" in texts(plot)
    (start, end) = lines(plot)[-1]
    np.testing.assert_allclose((start + end) / 2, [1, 1])
    np.testing.assert_allclose((end - start)[1] / (end - start)[0], 2)


def test_tangents_do_not_make_the_picture_larger():
    flat = viz.plot_lines(PARABOLA, mark=viz.Point(1, 1), **AXES).figure.axes[0]
    steep = viz.plot_lines(PARABOLA, mark=viz.Point(1, 1, slope=1000), **AXES).figure.axes[0]
    assert flat.get_ylim() == steep.get_ylim()


def test_points_outside_the_curves_are_seen():
    (axes,) = viz.plot_lines(PARABOLA, mark=[viz.Point(5, 9, "far away")], **AXES).figure.axes
    assert axes.get_xlim()[1] > 5
    assert axes.get_ylim()[1] > 9


def test_labels_stand_beside_their_points_and_cover_neither_curves_nor_each_other():
    points = [viz.Point(x, x**2, f"at {x}", slope=2 * x) for x in (-1.5, -1, 0, 1, 1.1, 2)]
    plot = viz.plot_lines(PARABOLA, mark=points, **AXES)
    (axes,) = plot.figure.axes
    plot.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert [text.get_text() for text in axes.texts] == [point.text for point in points]
    for index, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:index])
        assert axes.bbox.containsx(box.x0)
        assert axes.bbox.containsx(box.x1)
        curve = axes.transData.transform(np.stack([X, X**2], axis=1))
        assert not any(box.contains(*place) for place in curve)


def test_few_points_are_shown_one_by_one():
    assert viz.plot_lines({"loss": ([1, 2], [3, 2])}, **AXES).figure.axes[0].lines[0].get_marker() == "o"
    assert viz.plot_lines(PARABOLA, **AXES).figure.axes[0].lines[0].get_marker() == ""


def test_a_curve_may_have_holes():
    with np.errstate(divide="ignore"):
        viz.plot_lines({"1/x": (X, 1 / np.round(X, 1))}, **AXES)


@pytest.mark.parametrize(
    ("curves", "error", "message"),
    [
        ({}, ArgumentError, "nothing to draw"),
        ({"f": X}, ArgumentTypeError, r"curves\['f'\](.|\n)*\(x, y\)"),
        ({"f": (X, X[1:])}, ShapeError, r"x \(50,\) and y \(49,\)"),
        ({"f": ([], [])}, ShapeError, r"\(0,\)"),
    ],
)
def test_curves_that_cannot_be_drawn(curves, error, message):
    with pytest.raises(error, match=message):
        viz.plot_lines(curves, **AXES)


# --- bars -----------------------------------------------------------------------------------------


def test_bars_are_as_high_as_their_numbers_which_are_written_there():
    plot = viz.plot_bars(
        {"p": tc.tensor([0.8, 0.2]), "q": [0.5, -0.25]}, ["cat", "dog"], title="Two", ylabel="share"
    )
    (axes,) = plot.figure.axes
    assert [round(bar.get_height(), 6) for bar in axes.patches] == [0.8, 0.2, 0.5, -0.25]
    assert {"0.8", "0.2", "0.5", "−0.25", "cat", "dog", "p", "q", "share", "Two"} <= set(texts(plot))


def test_groups_differ_in_more_than_their_colour():
    (axes,) = viz.plot_bars({"p": [1], "q": [2], "r": [3]}, ["a"]).figure.axes
    assert len({bar.get_hatch() for bar in axes.patches}) == 3


def test_many_labels_are_slanted_and_their_bars_have_no_numbers():
    classes = tc.data.load("fashion-mini").classes
    plot = viz.plot_bars({name: np.full(10, 0.125) for name in "pqr"}, classes)
    assert "0.125" not in texts(plot)
    plot.figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in plot.figure.axes[0].get_xticklabels()]
    assert len(boxes) == 10
    assert {label.get_rotation() for label in plot.figure.axes[0].get_xticklabels()} == {45}


@pytest.mark.parametrize(
    ("groups", "labels", "error", "message"),
    [
        ({}, ["a"], ArgumentError, "argument: groups"),
        ({"p": []}, [], ArgumentError, "argument: labels"),
        ({"p": [1, 2]}, ["a"], ShapeError, r"groups\['p'\](.|\n)*\(1,\)(.|\n)*\(2,\)"),
    ],
)
def test_bars_that_cannot_be_drawn(groups, labels, error, message):
    with pytest.raises(error, match=message):
        viz.plot_bars(groups, labels)


# --- regions --------------------------------------------------------------------------------------

POINTS = np.array([[-1, -1], [1, -1], [0, 1.5]])


def closest(places):
    """Scores by which the nearest of the three points wins."""
    return -np.square(places[:, None] - POINTS).sum(axis=-1)


def regions(plot):
    (axes,) = plot.figure.axes
    return np.asarray(axes.images[0].get_array())


@pytest.mark.parametrize(
    "classify", [closest, lambda p: closest(p).argmax(1), lambda p: tc.tensor(closest(p))]
)
def test_regions_are_where_their_class_wins(classify):
    plot = viz.plot_regions(classify, POINTS, [0, 1, 2], names=["a", "b", "c"], resolution=60)
    cut = regions(plot)
    assert cut.shape == (60, 60)
    assert (cut[0, 0], cut[0, -1], cut[-1, 30]) == (0, 1, 2)  # rows run upwards
    assert {"a", "b", "c"} <= set(texts(plot))
    (axes,) = plot.figure.axes
    boundaries = [c for c in axes.collections if isinstance(c, matplotlib.contour.QuadContourSet)]
    assert len(boundaries) == 3


def test_the_boundary_is_where_two_scores_are_equal():
    plot = viz.plot_regions(
        lambda p: np.stack([p[:, 0] - 0.25, 0 * p[:, 0]], 1), POINTS, [0, 1, 1], resolution=50
    )
    (axes,) = plot.figure.axes
    (boundary, _) = (c for c in axes.collections if isinstance(c, matplotlib.contour.QuadContourSet))
    np.testing.assert_allclose(boundary.get_paths()[0].vertices[:, 0], 0.25, atol=1e-6)


def test_a_network_is_asked_without_a_gradient():
    model = tc.nn.Linear(2, 3)
    seen = []

    def classify(places):
        seen.append(model(tc.tensor(places)))
        return seen[-1]

    viz.plot_regions(classify, tc.tensor(POINTS), tc.tensor([0, 1, 2]), resolution=10)
    assert seen[0].shape == (100, 3)
    assert not seen[0].requires_grad


def test_classes_differ_in_more_than_their_colour():
    (axes,) = viz.plot_regions(closest, POINTS, [0, 1, 2], resolution=10).figure.axes
    assert len({line.get_marker() for line in axes.lines}) == 3


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((closest, [1, 2], [0, 1]), ShapeError, r"\(N, 2\)"),
        ((closest, POINTS, [0, 1]), ShapeError, r"labels(.|\n)*\(3,\)"),
        ((closest, POINTS, [0, 1, 5]), ArgumentError, "two to 5 classes"),
        ((closest, POINTS, [0, 0.5, 1]), ArgumentError, "whole numbers from 0"),
        ((lambda p: p[:, :1], POINTS, [0, 1, 1]), ShapeError, r"scores\.reshape\(-1\) > 0"),
        ((lambda p: p[:, 0], POINTS, [0, 1, 1]), ShapeError, "a class, or a score for each class"),
    ],
)
def test_regions_that_cannot_be_drawn(arguments, error, message):
    with pytest.raises(error, match=message):
        viz.plot_regions(*arguments, resolution=10)


def test_names_for_every_class():
    with pytest.raises(ArgumentError, match="with 2 names"):
        viz.plot_regions(closest, POINTS, [0, 1, 2], names=["a", "b"], resolution=10)
