"""Plots as such: shown, written whole, the same in every run. And those of a training run."""

import re
import sys
from functools import cache

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import viz
from tinygrad_cnn.errors import ArgumentError, DTypeError, OptionalDependencyError, ShapeError
from tinygrad_cnn.viz.theme import number, shape_text

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
from viz.plotted import pixels, texts  # noqa: E402

from tinygrad_cnn.viz.plots.plot import number_text, to_array  # noqa: E402

HISTORY = {
    "epoch": [1, 2, 3],
    "train_loss": [0.9, 0.6, 0.5],
    "train_accuracy": [0.6, 0.7, 0.8],
    "test_loss": [0.8, 0.65, 0.7],
    "test_accuracy": [0.65, 0.7, 0.72],
}
X = np.linspace(-2, 2, 50)

EVERY_PLOT = {
    "arrays": lambda: viz.plot_arrays({"x": np.arange(6).reshape(2, 3), "y": np.eye(12)}, mark={"x": (0, 1)}),
    "window": lambda: viz.plot_window(np.arange(9).reshape(3, 3), np.eye(2), [(0, 0), (1, 1)]),
    "images": lambda: viz.plot_images(np.linspace(0, 1, 300).reshape(3, 10, 10), ["a", "b", "c"]),
    "lines": lambda: viz.plot_lines({"x²": (X, X**2)}, xlabel="x", ylabel="y", mark=viz.Point(1, 1, slope=2)),
    "bars": lambda: viz.plot_bars({"p": [0.8, 0.2], "q": [0.5, 0.5]}, ["cat", "dog"]),
    "regions": lambda: viz.plot_regions(lambda p: p[:, 0] > p[:, 1], [[0, 1], [1, 0]], [0, 1], resolution=20),
    "history": lambda: viz.plot_history(HISTORY),
    "confusion": lambda: viz.plot_confusion([[3, 1], [0, 4]], ["a", "b"]),
    "filters": lambda: viz.plot_filters(np.linspace(-1, 1, 18).reshape(2, 1, 3, 3)),
}
every_plot = pytest.mark.parametrize("draw", EVERY_PLOT.values(), ids=EVERY_PLOT)


@cache
def drawn(draw):
    """A plot and what a notebook gets of it, for several tests."""
    plot = draw()
    return plot, *plot._repr_png_()


# --- every plot -----------------------------------------------------------------------------------


@every_plot
def test_a_notebook_shows_it_sharp(draw):
    _, content, size = drawn(draw)
    height, width, _ = pixels(content).shape
    assert (height, width) == pytest.approx((2 * size["height"], 2 * size["width"]), abs=2)
    assert size["width"] <= 960
    assert b"tEXt" not in content


@every_plot
def test_it_is_the_same_in_every_run(draw):
    assert draw()._repr_png_()[0] == drawn(draw)[1]


def test_it_is_the_same_when_shown_twice():
    plot, content, _ = drawn(EVERY_PLOT["lines"])
    assert plot._repr_png_()[0] == content


@every_plot
def test_nothing_is_cut_off(draw):
    picture = pixels(drawn(draw)[1])
    assert picture.std() > 0.01  # something is on it
    for side in (picture[:8], picture[-8:], picture[:, :8], picture[:, -8:]):
        assert side.min() == 1  # and paper around it


@every_plot
def test_its_text_can_be_read(draw):
    written = drawn(draw)[0].figure.findobj(matplotlib.text.Text)
    sizes = [text.get_fontsize() for text in written if text.get_text().strip()]
    assert min(sizes) * 100 / 72 >= 12  # pixels of a page


@every_plot
def test_it_says_what_it_shows(draw):
    assert re.fullmatch(r"<Plot of .{2,80}>", repr(drawn(draw)[0]))


@pytest.mark.parametrize("format", ["svg", "pdf"])
def test_files_are_the_same_in_every_run(tmp_path, format):
    paths = [EVERY_PLOT["arrays"]().save(tmp_path / f"{run}.{format}") for run in "ab"]
    content, again = (path.read_bytes() for path in paths)
    assert content == again
    assert len(content) > 1000
    for trace in (b"date>", b"CreationDate", b"matplotlib.org", b"/Producer", b"Software"):
        assert trace not in content


def test_settings_of_the_user_change_nothing_and_stay(tmp_path):
    content = drawn(EVERY_PLOT["bars"])[1]
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.bbox": "tight"}):
        assert EVERY_PLOT["bars"]()._repr_png_()[0] == content
        assert matplotlib.rcParams["font.size"] == 30


def test_an_unknown_extension(tmp_path):
    with pytest.raises(ArgumentError, match=r"\.png, \.svg, \.pdf"):
        EVERY_PLOT["bars"]().save(tmp_path / "bars.gif")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ArgumentError, match="cannot be written"):
        EVERY_PLOT["bars"]().save(tmp_path / "nowhere" / "bars.png")


@every_plot
def test_without_matplotlib(draw, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(OptionalDependencyError, match=r"tinygrad-cnn\[viz\]"):
        draw()


def test_plotting_leaves_global_figures_alone():
    before = "matplotlib.pyplot" in sys.modules
    EVERY_PLOT["lines"]()
    assert ("matplotlib.pyplot" in sys.modules) == before


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"), [(-0.0374, "−0.0374"), (3.0, "3"), (123456789.0, "1.23457e+08"), (float("nan"), "nan")]
)
def test_numbers_have_six_digits_and_a_real_minus(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (-7.0, "−7"),
        (1234567.0, "1.2e6"),
        (123456.0, "123456"),
        (1234.5, "1234"),
        (99.95, "100"),
        (-0.74422819, "−0.744"),
        (0.001, "0.001"),
        (-0.0009999, "−1e−3"),
        (float("nan"), "NaN"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
    ],
)
def test_numbers_in_cells_have_three_digits_where_they_need_them(value, text):
    assert number_text(value) == text


def test_shapes_in_words():
    assert [shape_text(shape) for shape in ((), (3,), (64, 6))] == ["scalar", "(3,)", "(64, 6)"]


def test_tensors_arrays_and_lists_are_numbers():
    with tc.use_backend("scalar"):
        remembering = tc.tensor([1.0, 2.0]) * 2
    for value in (
        remembering,
        tc.tensor([2, 4]),
        [2, 4],
        (2.0, 4.0),
        np.float32([2, 4]),
        [tc.tensor(2), tc.tensor(4)],
    ):
        array = to_array(value, "x")
        assert array.dtype == np.float64
        assert array.tolist() == [2, 4]


@pytest.mark.parametrize(
    ("value", "error"), [([[1], [1, 2]], ShapeError), (["a"], DTypeError), (1j, DTypeError)]
)
def test_what_is_no_array_of_numbers(value, error):
    with pytest.raises(error, match="argument: x"):
        to_array(value, "x")


# --- training -------------------------------------------------------------------------------------


def test_the_epoch_of_the_lowest_test_loss_is_marked():
    plot = viz.plot_history(HISTORY)
    assert "lowest test loss: epoch 2" in texts(plot)
    for axes in plot.figure.axes:
        assert [list(line.get_xdata()) for line in axes.lines].count([2, 2]) == 2  # halo and line


def test_another_epoch_can_be_marked():
    assert "best: epoch 3" in texts(viz.plot_history(HISTORY, best=3))
    with pytest.raises(ArgumentError, match=r"1 \.\. 3(.|\n)*got: +9"):
        viz.plot_history(HISTORY, best=9)


def test_a_history_of_the_trainer_is_drawn():
    history = tc.train.History(
        dict(zip(HISTORY, row, strict=True)) for row in zip(*HISTORY.values(), strict=True)
    )
    assert texts(viz.plot_history(history)) == texts(viz.plot_history(HISTORY))


def test_a_single_epoch_is_drawn_without_a_mark():
    assert not any(
        "epoch 1" in text for text in texts(viz.plot_history({k: v[:1] for k, v in HISTORY.items()}))
    )


def test_histories_that_cannot_be_drawn():
    with pytest.raises(ArgumentError, match="test_accuracy"):
        viz.plot_history({"epoch": [1]})
    with pytest.raises(ArgumentError, match="nothing to draw yet"):
        viz.plot_history({name: [] for name in HISTORY})
    with pytest.raises(ShapeError, match=r"test_loss(.|\n)*\(3,\)(.|\n)*\(1,\)"):
        viz.plot_history({**HISTORY, "test_loss": [1]})


@pytest.mark.parametrize("classes", [2, 10])
def test_confusion(classes):
    plot = viz.plot_confusion(np.eye(classes, dtype=int) * 50 + 2, [f"class {i}" for i in range(classes)])
    assert texts(plot).count("52") == classes
    assert texts(plot).count("2") == classes * (classes - 1)


def test_confusion_of_a_class_that_never_occurs():
    assert "75.0% of 4 are right" in texts(viz.plot_confusion([[3, 1], [0, 0]], ["a", "b"]))


def test_confusion_of_another_size():
    with pytest.raises(ShapeError, match=r"\(3, 3\)"):
        viz.plot_confusion(np.eye(2), ["a", "b", "c"])


# --- filters --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(6, 1, 5, 5), (8, 3, 3, 3), (1, 1, 1, 1), (7, 2, 3, 5), (16, 3, 11, 11)])
def test_filters(shape):
    written = texts(viz.plot_filters(np.random.default_rng(0).normal(size=shape)))
    assert sum(text.startswith("filter ") for text in written) == shape[0]
    assert sum(text.startswith("channel ") for text in written) == shape[0] * (shape[1] - 1)


def test_filters_of_a_layer_as_they_are():
    weight = tc.nn.Conv2d(1, 6, 5).weight
    written = texts(viz.plot_filters(weight))
    assert {number_text(value) for value in weight.numpy().astype(float).round(2).flat} <= set(written)


def test_filters_share_one_scale():
    assert "weights −2 blue … 0 … 2 red" in texts(viz.plot_filters([[[[1.0]]], [[[-2.0]]]]))


def test_filters_that_are_all_zero():
    assert texts(viz.plot_filters(np.zeros((2, 1, 3, 3)))).count("0") == 18


@pytest.mark.parametrize("shape", [(6, 25), (0, 1, 5, 5)])
def test_filters_of_another_shape(shape):
    with pytest.raises(ShapeError, match=r"\(O, C, H, W\)"):
        viz.plot_filters(np.zeros(shape))


def test_too_many_filters_suggests_some():
    with pytest.raises(ArgumentError, match="4,096 kernels"):
        viz.plot_filters(np.zeros((64, 64, 3, 3)))


def test_filters_with_titles_and_without_numbers():
    kernels = np.linspace(-1, 1, 4 * 4).reshape(4, 1, 2, 2)
    written = texts(viz.plot_filters(kernels, ["a", "b", "c", "d"], columns=1, numbers=False))
    assert written == ["a", "b", "c", "d", "weights −1 blue … 0 … 1 red"]
    tall, wide = (viz.plot_filters(kernels, columns=each).figure.get_size_inches() for each in (1, 4))
    assert tall[1] > 2 * tall[0]
    assert wide[0] > 2 * wide[1]


@pytest.mark.parametrize(
    ("options", "error"), [({"titles": ["a"]}, ShapeError), ({"columns": 0}, ArgumentError)]
)
def test_filters_with_wrong_options(options, error):
    with pytest.raises(error, match=next(iter(options))):
        viz.plot_filters(np.zeros((2, 1, 3, 3)), **options)
