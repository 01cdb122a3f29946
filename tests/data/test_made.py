"""Data made by a program: points of two moons, and a landscape."""

import numpy as np
import pytest

from tinygrad_cnn import data
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError

# --- two moons ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 200])
def test_moons_have_their_shape_and_are_balanced(n):
    points, labels = data.two_moons(n)
    assert (points.shape, points.dtype) == ((n, 2), np.float32)
    assert (labels.shape, labels.dtype) == ((n,), np.int64)
    assert np.bincount(labels).tolist() == [n - n // 2, n // 2]


def test_without_noise_they_are_half_circles():
    points, labels = data.two_moons(100, noise=0)
    upper, lower = points[labels == 0], points[labels == 1] - np.float32([1, 0.5])
    for moon, side in ((upper, 1), (lower, -1)):
        np.testing.assert_allclose(np.hypot(*moon.T), 1, atol=1e-5)
        assert (side * moon[:, 1] >= -1e-6).all()


def test_noise_has_the_deviation_that_was_asked_for():
    points, labels = data.two_moons(20_000, noise=0.05)
    distances = np.hypot(*points[labels == 0].T)
    assert distances.std() == pytest.approx(0.05, rel=0.05)


def test_no_straight_line_separates_them():
    points, labels = data.two_moons(400)
    inputs = np.column_stack([points, np.ones(400)])
    weights = np.linalg.lstsq(inputs, 2.0 * labels - 1, rcond=None)[0]
    assert 0.8 < ((inputs @ weights > 0) == labels).mean() < 0.95


def test_a_seed_gives_the_same_points_on_every_machine():
    points, labels = data.two_moons(5, seed=7)
    np.testing.assert_array_equal(points, data.two_moons(5, seed=7)[0])
    assert np.abs(points - data.two_moons(5, seed=8)[0]).max() > 0.1
    written_down = [[0.935617, -0.053665], [-0.095794, 0.658671], [2.102263, 0.533474], [-1.074628, 0.223406]]
    np.testing.assert_array_equal(points[:4], np.float32(written_down))
    assert labels.tolist() == [0, 1, 1, 0, 0]


def test_classes_come_in_random_order():
    _, labels = data.two_moons(100)
    assert 20 < np.count_nonzero(np.diff(labels)) < 80


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"n": 1}, ArgumentError),
        ({"n": 2.0}, ArgumentTypeError),
        ({"noise": -0.1}, ArgumentError),
        ({"noise": float("nan")}, ArgumentError),
        ({"seed": -1}, ArgumentError),
    ],
)
def test_moons_that_cannot_be_made(options, error):
    with pytest.raises(error, match=f"argument: {next(iter(options))}"):
        data.two_moons(**options)


# --- landscape ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def picture():
    return data.landscape()


@pytest.mark.parametrize("size", [1, 7, 64])
def test_every_size_is_painted(size):
    small = data.landscape(size)
    assert (small.shape, small.dtype) == ((3, size, size), np.float32)
    assert small.min() >= 0
    assert small.max() <= 1


def test_it_has_the_colours_of_a_camera(picture):
    np.testing.assert_array_equal(picture, np.float32(np.round(picture * 255.0) / 255))
    assert picture.min() < 0.15
    assert picture.max() > 0.98
    np.testing.assert_array_equal(picture, data.landscape(128))


def test_it_is_the_same_scene_at_every_size(picture):
    coarse = picture.reshape(3, 32, 4, 32, 4).mean(axis=(2, 4))
    assert np.abs(coarse - data.landscape(32)).mean() < 0.02


def test_gray_is_as_bright_as_the_colours_look(picture):
    gray = data.landscape(gray=True)
    assert (gray.shape, gray.dtype) == ((1, 128, 128), np.float32)
    red, green, blue = picture
    np.testing.assert_allclose(gray[0], 0.299 * red + 0.587 * green + 0.114 * blue, atol=1 / 255)


def test_what_stands_where(picture):
    def color(x, y):
        return picture[:, int(y * 128), int(x * 128)]

    red, green, blue = color(0.685, 0.25)  # the first stripe of the tower
    assert red > 2 * max(green, blue)
    assert color(0.668, 0.315).min() > 0.7  # the second
    assert color(0.55, 0.05).argmax() == 2  # sky
    assert color(0.6, 0.95).argmin() == 0  # sea
    assert color(0.6, 0.54).argmax() == 1  # grass
    assert color(0.2, 0.95).argmax() == 0  # wood


def test_filters_find_edges_in_every_direction_texture_and_smooth_areas():
    gray = data.landscape(256, gray=True)[0]
    down, across = np.gradient(gray)
    strength = np.hypot(down, across)
    directions = np.degrees(np.arctan2(down, across))[strength > 0.1] % 180
    assert np.histogram(directions, 8, (0, 180))[0].min() > 50
    assert strength[20:60, 100:160].max() < 0.02  # sky
    assert strength[170:180, 160:250].mean() > 0.03  # rock


@pytest.mark.parametrize(("size", "error"), [(0, ArgumentError), (128.0, ArgumentTypeError)])
def test_landscapes_that_cannot_be_painted(size, error):
    with pytest.raises(error, match="argument: size"):
        data.landscape(size)
