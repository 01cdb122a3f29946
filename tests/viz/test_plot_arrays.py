"""Arrays as cells: the right numbers in the right places, colours, marks, signs; sliding windows."""

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import functional as F
from tinygrad_cnn import viz
from tinygrad_cnn.errors import (
    ArgumentError,
    ArgumentTypeError,
    DTypeError,
    IndexingError,
    ShapeError,
    UnknownName,
)

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
from viz.plotted import fills, marked, texts, texts_inside  # noqa: E402

X = [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
F22 = [[0, 1], [2, 3]]
BLUE, WHITE, RED, YELLOW, GREY = "#0072b2", "#ffffff", "#d55e00", "#f0e442", "#4a4a4a"


# --- arrays side by side --------------------------------------------------------------------------


def test_every_number_stands_in_its_cell_under_the_name():
    assert texts(viz.plot_arrays({"X": X, "b": [0.5, -1]})) == ["X", *"012345678", "b", "0.5", "−1"]


def test_tensors_of_one_image_and_one_channel_are_drawn():
    plot = viz.plot_arrays({"x": tc.tensor(X).reshape(1, 1, 3, 3), "L": tc.tensor(0.25)})
    assert texts(plot) == ["x", *"012345678", "L", "0.25"]
    assert repr(plot) == "<Plot of x (3, 3), L scalar>"


def test_data_runs_from_grey_to_yellow_and_gradients_from_blue_to_red():
    assert fills(viz.plot_arrays({"x": [0, 2]})) == [GREY, YELLOW]
    assert fills(viz.plot_arrays({"g": [-2, 0, 2]}, kind="gradient")) == [BLUE, WHITE, RED]
    assert fills(viz.plot_arrays({"x": [0, 1], "w": [0, 1]}, kind={"w": "weights"})) == [
        GREY,
        YELLOW,
        WHITE,
        RED,
    ]


def test_a_scale_can_be_shared():
    plot = viz.plot_arrays({"a": [0, 4], "b": [4, 8], "g": [-2.0]}, kind={"g": "gradient"}, scale="shared")
    assert fills(plot)[1] == fills(plot)[2]
    assert fills(viz.plot_arrays({"a": [0, 4], "b": [4, 8]})) == [GREY, YELLOW] * 2
    assert "data 0 grey … 8 yellow   ·   gradients −2 blue … 0 … 2 red" in texts(plot)


def test_numbers_that_are_all_the_same_have_no_colour():
    assert fills(viz.plot_arrays({"ones": [1, 1]})) == [WHITE, WHITE]


def test_what_is_not_finite_is_seen():
    plot = viz.plot_arrays({"x": [1, np.nan, -np.inf, 0]})
    assert texts(plot) == ["x", "1", "NaN", "−∞", "0"]
    assert fills(plot) == [YELLOW, "#cc79a7", "#cc79a7", GREY]
    (axes,) = plot.figure.axes
    assert [patch.get_hatch() for patch in axes.patches] == ["", "///", "///", ""]


def test_large_arrays_are_images_with_their_scale():
    plot = viz.plot_arrays({"x": np.arange(81).reshape(9, 9), "row": np.eye(1, 100)[0]})
    assert texts(plot) == ["x", "(9, 9)\ndata 0 grey … 80 yellow", "row", "(100,)\ndata 0 grey … 1 yellow"]
    (axes,) = plot.figure.axes
    assert [image.get_array().shape for image in axes.images] == [(9, 9), (1, 100)]
    np.testing.assert_allclose(axes.images[0].get_array(), np.arange(81).reshape(9, 9) / 80)


@pytest.mark.parametrize(
    ("mark", "inside"),
    [
        ((slice(0, 2), slice(1, 3)), [*"1245"]),
        ((0, 1), ["1"]),
        (2, [*"678"]),
        ((slice(None), -1), [*"258"]),
        ([(0, 0), (1, 1)], [*"0134"]),  # of both; the rectangle around them has more
    ],
)
def test_marks_surround_their_cells(mark, inside):
    plot = viz.plot_arrays({"X": X, "O": F22}, mark={"X": mark}, signs=["→"])
    (rectangle,) = marked(plot)
    assert texts_inside(plot, rectangle) == inside


def test_cells_with_gaps_are_marked_one_by_one():
    plot = viz.plot_arrays({"X": X}, mark={"X": (slice(0, 3, 2), slice(0, 3, 2))})
    (axes,) = plot.figure.axes
    assert [len(lines.get_segments()) for lines in axes.collections] == [16, 16]


def test_several_arrays_are_marked():
    plot = viz.plot_arrays({"X": X, "F": F22}, mark={"X": (1, 1), "F": (0, 1)})
    assert [texts_inside(plot, rectangle) for rectangle in marked(plot)] == [["4"], ["1"]]


def test_signs_stand_between_arrays_at_half_their_height():
    plot = viz.plot_arrays({"X": X, "F": F22, "O": F22}, signs=["⋆", "="])
    (axes,) = plot.figure.axes
    places = {text.get_text(): text.get_position() for text in axes.texts}
    assert places["X"][0] < places["⋆"][0] < places["F"][0] < places["="][0] < places["O"][0]
    assert places["⋆"][1] == places["="][1] == places["4"][1]


def test_many_arrays_are_written_in_several_rows():
    plot = viz.plot_arrays({f"x{i}": np.arange(8) for i in range(5)}, signs="+++=")
    assert plot.figure.get_size_inches()[0] <= 9.6
    (axes,) = plot.figure.axes
    heights = {text.get_position()[1] for text in axes.texts if text.get_text().startswith("x")}
    assert len(heights) == 3
    assert texts(plot).count("+") == 3


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"arrays": X}, ArgumentTypeError, r'plot_arrays\({"x": x}\)'),
        ({"arrays": {}}, ArgumentError, "nothing to draw"),
        (
            {"arrays": {"x": np.zeros((2, 3, 3))}},
            ShapeError,
            r"argument: x(.|\n)*\(2, 3, 3\)(.|\n)*x\[0, 0\]",
        ),
        ({"arrays": {"x": []}}, ShapeError, "not empty"),
        ({"arrays": {"x": ["a"]}}, DTypeError, "real numbers"),
        ({"arrays": {"x": X}, "signs": ["="]}, ArgumentError, "0 for 1 arrays"),
        ({"arrays": {"x": X}, "scale": "all"}, ArgumentError, '"each" or "shared"'),
        ({"arrays": {"x": X}, "kind": "weight"}, ArgumentError, "data, weights, gradient"),
        ({"arrays": {"xs": X}, "kind": {"xz": "weights"}}, UnknownName, "did you mean 'xs'"),
        ({"arrays": {"xs": X}, "mark": {"xz": 0}}, UnknownName, "did you mean 'xs'"),
        ({"arrays": {"x": X}, "mark": {"x": (0, 3)}}, IndexingError, r"mark\['x'\](.|\n)*\(3, 3\)"),
    ],
)
def test_what_cannot_be_drawn(arguments, error, message):
    with pytest.raises(error, match=message):
        viz.plot_arrays(**arguments)


# --- a sliding window -----------------------------------------------------------------------------

IMAGE = [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
KERNEL = [[0, 1, 2], [2, 2, 0], [0, 1, 2]]


def test_the_lecture_s_window():
    plot = viz.plot_window(IMAGE, KERNEL, (1, 2))
    window, output = marked(plot)
    assert texts_inside(plot, window) == [*"131", *"223", *"022"]
    assert texts_inside(plot, output) == ["19"]
    for text in ("3·1", "2·2", "sum = 19", "output[1, 2] = 19"):
        assert text in texts(plot)
    assert not {"9", "14", "6"} & set(texts(plot))  # of the last row, which is not computed yet
    assert texts(plot)[-8:] == ["output", "output[1, 2] = 19", "12", "12", "17", "10", "17", "19"]


def test_padding_is_drawn_around_the_image():
    plot = viz.plot_window([[1, 2], [3, 4]], [[5, 6], [7, 8]], (0, 0), padding=1)
    assert texts_inside(plot, marked(plot)[0]) == ["0", "0", "0", "1"]
    (axes,) = plot.figure.axes
    dashed = [patch for patch in axes.patches if patch.get_linestyle() not in ("-", "solid")]
    assert len(dashed) == 12 + 8  # around the image, and what is not computed yet


@pytest.mark.parametrize(
    "slide",
    [
        {},
        {"stride": 2},
        {"padding": 1},
        {"padding": "same"},
        {"dilation": 2},
        {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2)},
    ],
)
def test_all_numbers_are_those_of_conv2d(slide):
    x, kernel = tc.tensor(IMAGE, dtype="float64"), tc.tensor([[1, -1], [0.5, 2]], dtype="float64")
    expected = F.conv2d(x.reshape(1, 5, 5), kernel.reshape(1, 1, 2, 2), **slide).numpy()[0]
    last = tuple(size - 1 for size in expected.shape)
    plot = viz.plot_window(x, kernel, last, **slide)
    output = marked(plot)[-1]
    everything = texts(plot)
    shown = [viz.plots.plot.number_text(value) for value in expected.flat]
    assert everything[-len(shown) :] == shown
    assert texts_inside(plot, output) == shown[-1:]
    assert f"sum = {shown[-1]}" in everything


def test_what_cancels_is_zero():
    plot = viz.plot_window([[0.1, 0.2, 0.3]], [[1, 1, -1]], (0, 0))
    assert {"sum = 0", "output[0, 0] = 0"} <= set(texts(plot))


def test_several_positions_are_drawn_below_each_other():
    plot = viz.plot_window(IMAGE, KERNEL, [(0, 0), (0, 1), (2, 2)], padding=1, stride=2)
    assert [text for text in texts(plot) if text.startswith("output[")] == [
        "output[0, 0] = 6",
        "output[0, 1] = 17",
        "output[2, 2] = 4",
    ]
    assert texts(plot).count("kernel") == 1
    assert len(marked(plot)) == 6
    assert len({rectangle[0] for rectangle in marked(plot)[::2]}) == 3


def test_a_wide_picture_continues_in_a_second_row():
    plot = viz.plot_window(np.array(IMAGE) / 7, np.array(KERNEL) / -3, (0, 0), padding=2)
    assert plot.figure.get_size_inches()[0] <= 9.6


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.zeros((2, 3, 3)), KERNEL, (0, 0)), ShapeError, "argument: x"),
        (([1, 2, 3], KERNEL, (0, 0)), ShapeError, r"\(H, W\)"),
        ((IMAGE, np.zeros((2, 1, 3, 3)), (0, 0)), ShapeError, "argument: kernel"),
        ((F22, KERNEL, (0, 0)), ShapeError, "the kernel reaches over"),
        ((np.zeros((13, 13)), KERNEL, (0, 0)), ArgumentError, r"at most 12(.|\n)*x\[\.\.\., :6, :6\]"),
        ((np.zeros((9, 9)), np.zeros((8, 8)), (0, 0)), ArgumentError, "at most 7 a side"),
        ((IMAGE, KERNEL, (0, 3)), IndexingError, r"output of \(3, 3\)(.|\n)*\(0, 3\)"),
        ((IMAGE, KERNEL, (-1, 0)), IndexingError, r"\(-1, 0\)"),
        ((IMAGE, KERNEL, 4), ArgumentError, r"\(row, column\)"),
        ((IMAGE, KERNEL, []), ArgumentError, r"\(row, column\)"),
    ],
)
def test_windows_that_cannot_be_drawn(arguments, error, message):
    with pytest.raises(error, match=message):
        viz.plot_window(*arguments)


def test_a_window_of_a_backward_pass_has_names_and_colours_of_its_own():
    plot = viz.plot_window(
        np.ones((2, 2)),
        -np.ones((1, 1)),
        (0, 0),
        names=("∂L/∂O", "F", "∂L/∂X"),
        kinds=("gradient", "weights", "gradient"),
    )
    shown = {text.get_text() for text in plot.figure.findobj(matplotlib.text.Text)}
    assert {"∂L/∂O", "F", "∂L/∂X", "∂L/∂X[0, 0] = −1"} <= shown
    assert not {"input", "kernel", "output"} & shown
