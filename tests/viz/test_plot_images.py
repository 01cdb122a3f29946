"""Pictures in a grid: their numbers, titles and verdicts."""

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import viz
from tinygrad_cnn.errors import ArgumentError, ShapeError

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
from viz.plotted import texts  # noqa: E402

VERMILLION = "#D55E00"
RAMP = np.linspace(0, 1, 16).reshape(4, 4)


def images(plot):
    (axes,) = plot.figure.axes
    return [np.asarray(image.get_array()) for image in axes.images]


@pytest.mark.parametrize("shape", [(2, 4, 4), (2, 1, 4, 4), (2, 3, 4, 4)])
def test_batches_of_pictures(shape):
    batch = np.random.default_rng(0).uniform(size=shape)
    for drawn, picture in zip(images(viz.plot_images(tc.tensor(batch))), batch, strict=True):
        channels = picture.reshape(-1, 4, 4)
        np.testing.assert_array_equal(
            drawn, channels[0] if len(channels) == 1 else channels.transpose(1, 2, 0)
        )


def test_a_list_may_have_pictures_of_several_sizes_and_kinds():
    plot = viz.plot_images([RAMP, RAMP[None, :3], np.stack([RAMP] * 3)])
    assert [image.shape for image in images(plot)] == [(4, 4), (3, 4), (4, 4, 3)]
    (axes,) = plot.figure.axes
    left, right, bottom, top = axes.images[1].get_extent()
    assert (right - left) / (bottom - top) == pytest.approx(4 / 3)


def test_between_0_and_1_nothing_is_stretched():
    plot = viz.plot_images([RAMP / 2, np.full((3, 2, 2), 1 + 1e-7)])
    np.testing.assert_array_equal(images(plot)[0], RAMP / 2)
    assert texts(plot) == []


def test_other_numbers_are_stretched_to_black_and_white_which_is_said():
    plot = viz.plot_images([RAMP * 255 - 100, RAMP])
    assert texts(plot) == ["−100 black … 155 white"]
    np.testing.assert_allclose(images(plot)[0], RAMP, atol=1e-12)
    np.testing.assert_allclose(images(plot)[1], (RAMP + 100) / 255)


def test_the_range_can_be_given():
    plot = viz.plot_images(RAMP[None], range=(0.25, 0.5))
    assert texts(plot) == ["0.25 black … 0.5 white"]
    assert images(plot)[0].min() == 0
    assert images(plot)[0].max() == 1


def test_pictures_of_a_single_grey():
    assert images(viz.plot_images(np.full((1, 2, 2), 7)))[0].tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_right_and_wrong_are_told_by_a_sign_and_a_colour():
    plot = viz.plot_images(
        [RAMP] * 3, ["Shirt", "Dress", "Coat"], wrong=tc.tensor([False, True, False]).numpy()
    )
    assert texts(plot) == ["✓ Shirt", "✗ Dress", "✓ Coat"]
    (axes,) = plot.figure.axes
    assert [text.get_color() == VERMILLION for text in axes.texts[:3]] == [False, True, False]
    frames = [matplotlib.colors.to_hex(patch.get_edgecolor()).upper() for patch in axes.patches]
    assert [frame == VERMILLION for frame in frames] == [False, True, False]


def test_verdicts_without_titles():
    assert texts(viz.plot_images([RAMP] * 2, wrong=[True, False])) == ["✗", "✓"]


def test_long_titles_are_wrapped():
    (title,) = texts(viz.plot_images(RAMP[None], ["taken for a T-shirt/top, but a Pullover"]))
    assert title.count("\n") >= 2
    assert title.replace("\n", " ") == "taken for a T-shirt/top, but a Pullover"


@pytest.mark.parametrize(
    ("count", "columns", "expected"), [(10, 5, 5), (3, None, 3), (20, None, 7), (2, 4, 2)]
)
def test_columns(count, columns, expected):
    (axes,) = viz.plot_images([RAMP] * count, columns=columns).figure.axes
    assert len({round(image.get_extent()[0], 3) for image in axes.images}) == expected
    assert axes.figure.get_size_inches()[0] <= 9.6


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((RAMP,), ShapeError, r"\(N, H, W\), \(N, 1, H, W\)"),
        ((np.zeros((2, 4, 4, 3)),), ShapeError, r"np\.moveaxis"),
        (([np.zeros((2, 4, 4))],), ShapeError, r"\(3, H, W\)"),
        (([],), ArgumentError, "nothing to draw"),
        ((np.zeros((401, 2, 2)),), ArgumentError, r"images\[:20\]"),
        ((np.full((1, 3, 2, 2), 255),), ArgumentError, r"images / 255"),
        (([RAMP], ["a", "b"]), ArgumentError, "argument: titles"),
    ],
)
def test_what_cannot_be_drawn(arguments, error, message):
    with pytest.raises(error, match=message):
        viz.plot_images(*arguments)


@pytest.mark.parametrize("options", [{"wrong": [True, False]}, {"columns": 0}, {"range": (1, 1)}])
def test_options_that_make_no_sense(options):
    with pytest.raises(ArgumentError, match=f"argument: {next(iter(options))}"):
        viz.plot_images([RAMP], **options)
