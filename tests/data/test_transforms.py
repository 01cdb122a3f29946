"""Transforms: each against the plain sentence that describes it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_cnn.data import Compose, Cutout, Normalize, RandomCrop, RandomHorizontalFlip, ToFloat
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError

# Every pixel has a value of its own, so a moved pixel is recognised.
IMAGES = np.arange(1, 4 * 2 * 5 * 6 + 1, dtype=np.uint8).reshape(4, 2, 5, 6)
FLOATS = IMAGES.astype(np.float32)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_to_float_maps_bytes_to_zero_to_one():
    every_byte = np.arange(256, dtype=np.uint8)
    floats = ToFloat()(every_byte)
    assert floats.dtype == np.float32
    np.testing.assert_array_equal(floats, [np.float32(byte) / np.float32(255) for byte in range(256)])


def test_normalize_works_per_channel():
    result = Normalize(mean=[1.5, 100], std=[2, 4])(FLOATS)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result[:, 0], (FLOATS[:, 0] - 1.5) / 2)
    np.testing.assert_array_equal(result[:, 1], (FLOATS[:, 1] - 100) / 4)
    assert Normalize([0, 0], [1, 1])(FLOATS.astype(np.float64)).dtype == np.float64


@given(seed=st.integers(0, 1000), p=st.sampled_from([0, 0.3, 0.5, 1]))
def test_flip_mirrors_some_whole_images(seed, p):
    result = RandomHorizontalFlip(p)(IMAGES, rng(seed))
    mirrored = IMAGES[:, :, :, ::-1]
    flips = [np.array_equal(image, other) for image, other in zip(result, mirrored, strict=True)]
    for index, flipped in enumerate(flips):
        np.testing.assert_array_equal(result[index], (mirrored if flipped else IMAGES)[index])
    assert p != 0 or not any(flips)
    assert p != 1 or all(flips)
    assert result.dtype == IMAGES.dtype


def test_flip_happens_with_probability_p():
    images = np.broadcast_to(IMAGES[:1], (10_000, 2, 5, 6))
    flipped = (RandomHorizontalFlip(0.3)(images, rng())[:, 0, 0, 0] != IMAGES[0, 0, 0, 0]).mean()
    assert flipped == pytest.approx(0.3, abs=0.02)  # four standard deviations


@given(
    seed=st.integers(0, 1000),
    size=st.tuples(st.integers(1, 5), st.integers(1, 6)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_crop_is_a_window_of_the_padded_image(seed, size, padding):
    result = RandomCrop(size, padding)(IMAGES, rng(seed))
    assert result.shape == (4, 2, *size)
    assert result.dtype == IMAGES.dtype
    (height, width), (above, beside) = size, padding
    for image, cropped in zip(IMAGES, result, strict=True):
        padded = np.zeros((2, 5 + 2 * above, 6 + 2 * beside), np.uint8)
        padded[:, above : above + 5, beside : beside + 6] = image
        windows = [
            padded[:, top : top + height, left : left + width]
            for top in range(5 + 2 * above - height + 1)
            for left in range(6 + 2 * beside - width + 1)
        ]
        assert any(np.array_equal(cropped, window) for window in windows)


def test_crop_reaches_every_offset_and_differs_between_images():
    images = np.broadcast_to(np.arange(9, dtype=np.uint8).reshape(3, 3), (1000, 1, 3, 3))
    top_left = RandomCrop(2)(images, rng())[:, 0, 0, 0]
    assert np.bincount(top_left).tolist() == pytest.approx([250, 250, 0, 250, 250], abs=60)


@given(seed=st.integers(0, 1000), size=st.integers(1, 8))
def test_cutout_blanks_one_square_of_each_image(seed, size):
    result = Cutout(size)(FLOATS, rng(seed))
    assert result.dtype == FLOATS.dtype
    for image, cut in zip(FLOATS, result, strict=True):
        assert (cut[0] == 0).any()  # no pixel of these images is zero
        squares = []
        for row in range(5):
            for column in range(6):  # wherever its centre is
                blanked = image.copy()
                top, left = row - size // 2, column - size // 2
                blanked[:, max(top, 0) : max(top + size, 0), max(left, 0) : max(left + size, 0)] = 0
                squares.append(blanked)
        assert any(np.array_equal(cut, square) for square in squares)


def test_the_centre_of_a_cutout_is_any_pixel_with_equal_chance():
    images = np.ones((3000, 1, 2, 3), np.float32)
    rows, columns = np.nonzero(Cutout(1)(images, rng())[:, 0] == 0)[1:]
    counts = np.bincount(rows * 3 + columns, minlength=6)
    assert counts.sum() == 3000
    assert counts.tolist() == pytest.approx([500] * 6, abs=80)  # four standard deviations


@pytest.mark.parametrize("transform", [RandomHorizontalFlip(), RandomCrop(4, padding=1), Cutout(3)])
def test_random_transforms_follow_their_generator_and_leave_the_input_alone(transform):
    before = IMAGES.copy()
    same = [transform(IMAGES, rng(5)) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    np.testing.assert_array_equal(IMAGES, before)
    assert any(not np.array_equal(same[0], transform(IMAGES, rng(seed))) for seed in range(6, 16))


def test_compose_applies_in_order_and_hands_the_generator_on():
    standardize = Compose([ToFloat(), Normalize([0.5, 0.5], [0.5, 0.5])])
    augment = Compose([RandomCrop(4), standardize])
    expected = (RandomCrop(4)(IMAGES, rng()).astype(np.float32) / np.float32(255) - 0.5) / 0.5
    np.testing.assert_array_equal(augment(IMAGES, rng()), expected)
    assert repr(augment).startswith(
        "Compose([RandomCrop((4, 4), padding=(0, 0)), Compose([ToFloat(), Normalize("
    )


def test_a_number_is_the_statistic_of_a_single_channel():
    """`(0.5)` is a number in Python and not a tuple, which is easily overlooked."""
    one_channel = FLOATS[:, :1]
    np.testing.assert_array_equal(Normalize((0.5), (2))(one_channel), (one_channel - 0.5) / 2)


def test_deterministic_transforms_need_no_generator():
    assert Compose([ToFloat(), Normalize([0, 0], [1, 1])])(IMAGES).max() <= 1


# --- mistakes -------------------------------------------------------------------------------------


def test_scaling_twice_is_noticed():
    with pytest.raises(DTypeError, match=r"expected: uint8(.|\n)*got: +float32(.|\n)*another one before"):
        Compose([ToFloat(), ToFloat()])(IMAGES)


def test_normalizing_bytes_is_noticed():
    with pytest.raises(DTypeError, match=r"put ToFloat\(\) before it"):
        Normalize([0.5, 0.5], [0.5, 0.5])(IMAGES)


@pytest.mark.parametrize("transform", [Normalize([0], [1]), RandomHorizontalFlip(), RandomCrop(2), Cutout(1)])
def test_a_single_image_is_not_a_batch(transform):
    with pytest.raises(ShapeError, match=r"\(N, C, H, W\)(.|\n)*\(2, 5, 6\)(.|\n)*newaxis"):
        transform(FLOATS[0], rng())


def test_statistics_that_cannot_be():
    with pytest.raises(ArgumentError, match=r"3 positive numbers(.|\n)*got: +\(1,\)"):
        Normalize([0, 0, 0], [1])
    for std in (0, -1, float("nan")):
        with pytest.raises(ArgumentError, match="positive"):
            Normalize([0], [std])
    with pytest.raises(ShapeError, match=r"\(N, 3, H, W\)"):
        Normalize([0, 0, 0], [1, 1, 1])(FLOATS)


def test_random_transforms_ask_for_their_generator():
    for transform in (RandomHorizontalFlip(), Compose([RandomCrop(2)]), Cutout(1)):
        with pytest.raises(ArgumentTypeError, match="default_rng"):
            transform(IMAGES)


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_a_probability_outside_0_to_1(p):
    with pytest.raises(ArgumentError, match="0 <= p <= 1"):
        RandomHorizontalFlip(p)


def test_crops_that_cannot_be():
    with pytest.raises(ArgumentError, match="size >= 1"):
        RandomCrop(0)
    with pytest.raises(ArgumentError, match="padding >= 0"):
        RandomCrop(3, padding=-1)
    with pytest.raises(ShapeError, match=r"at most \(7, 8\)(.|\n)*got: +\(8, 8\)(.|\n)*pad more"):
        RandomCrop(8, padding=1)(IMAGES, rng())
    with pytest.raises(ArgumentTypeError, match="size must be an integer"):
        RandomCrop(2.5)


def test_cutouts_that_cannot_be():
    with pytest.raises(ArgumentError, match="size >= 1"):
        Cutout(0)
    with pytest.raises(ArgumentTypeError, match="size must be an integer"):
        Cutout((2, 2))


@pytest.mark.parametrize(
    ("transform", "drawn"),
    [
        (RandomHorizontalFlip(), [[0, 1, 1, 1]]),
        (RandomCrop(4, padding=1), [[3, 2, 2, 1], [1, 0, 0, 0]]),
        (Cutout(3), [[3, 2, 1, 0], [0, -1, -1, -1]]),
    ],
    ids=str,
)
def test_a_seed_draws_what_it_always_drew(transform, drawn):
    """Runs of earlier versions can be repeated as long as nobody asks for random numbers in another order."""
    found = transform.draw(IMAGES.shape, rng())
    assert [values.astype(int).tolist() for values in found] == drawn


def test_compose_without_its_list():
    with pytest.raises(ArgumentTypeError, match=r"try: +Compose\(\[ToFloat\(\)\]\)"):
        Compose(ToFloat())


@pytest.mark.parametrize("not_a_transform", [lambda images: images, "flip", ToFloat, None])
def test_things_that_are_no_transform(not_a_transform):
    with pytest.raises(ArgumentTypeError, match=r"transform\(images, rng\)"):
        Compose([not_a_transform])
