"""conv1d, conv2d, conv3d: PyTorch's arguments and results, and errors that name what is wrong."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from tinygrad_cnn.testing import gradcheck


def randn(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def leaf(array):
    return tc.tensor(array, requires_grad=True)


def loops(x, w, bias, stride, padding, dilation, groups):
    """The definition of a convolution, one multiplication at a time."""
    spatial = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    reach = [d * (k - 1) + 1 for k, d in zip(w.shape[2:], dilation, strict=True)]
    sizes = [(s - r) // st + 1 for s, r, st in zip(x.shape[2:], reach, stride, strict=True)]
    out = np.zeros((len(x), len(w), *sizes)) + bias.reshape(-1, *[1] * spatial)
    inner, outer = w.shape[1], len(w) // groups
    for n, o, c in itertools.product(range(len(x)), range(len(w)), range(inner)):
        channel = o // outer * inner + c
        for place in np.ndindex(*sizes):
            for cell in np.ndindex(*w.shape[2:]):
                source = tuple(
                    p * s + k * d for p, s, k, d in zip(place, stride, cell, dilation, strict=True)
                )
                out[(n, o, *place)] += x[(n, channel, *source)] * w[(o, c, *cell)]
    return out


@pytest.mark.parametrize(
    ("function", "x", "w", "options"),
    [
        (F.conv1d, (2, 4, 9), (6, 2, 3), {"stride": 2, "padding": 2, "dilation": 2, "groups": 2}),
        (F.conv2d, (2, 3, 6, 7), (4, 3, 3, 2), {}),
        (F.conv2d, (2, 4, 6, 7), (4, 1, 3, 2), {"stride": (2, 1), "padding": (1, 0), "groups": 4}),
        (
            F.conv3d,
            (1, 2, 4, 5, 4),
            (3, 2, 2, 3, 1),
            {"stride": 1, "padding": (1, 0, 2), "dilation": (2, 1, 1)},
        ),
    ],
)
def test_results_are_those_of_the_definition(function, x, w, options):
    spatial = len(x) - 2
    x, w, bias = randn(*x), randn(*w), randn(w[0])
    full = {
        name: value if isinstance(value := options.get(name, default), tuple) else (value,) * spatial
        for name, default in {"stride": 1, "padding": 0, "dilation": 1}.items()
    }
    expected = loops(x, w, bias, **full, groups=options.get("groups", 1))
    result = function(tc.tensor(x), tc.tensor(w), tc.tensor(bias), **options)
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("function", "spatial"), [(F.conv1d, (5,)), (F.conv2d, (5, 4)), (F.conv3d, (5, 4, 3))]
)
def test_an_image_without_a_batch(function, spatial):
    x, w = tc.tensor(randn(2, *spatial)), tc.tensor(randn(3, 2, *(2,) * len(spatial)))
    np.testing.assert_array_equal(function(x, w).numpy(), function(x[None], w)[0].numpy())


def test_case_46_kernel_larger_than_padded_input():
    with pytest.raises(ShapeError, match=r"reaches over \(5, 5\) cells, the padded input has only \(4, 4\)"):
        F.conv2d(tc.zeros(1, 1, 2, 2), tc.zeros(1, 1, 5, 5), padding=1)


def test_case_47_one_pixel_under_a_wide_frame():
    w = randn(1, 1, 3, 3)
    out = F.conv2d(tc.ones(1, 1, 1, 1, dtype="float64"), tc.tensor(w), padding=4)
    assert out.shape == (1, 1, 7, 7)
    np.testing.assert_array_equal(out.numpy()[0, 0, 2:5, 2:5], np.flip(w)[0, 0])
    assert out.numpy().sum() == pytest.approx(w.sum())


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"padding": -1}, "padding"),
        ({"stride": 0}, "stride"),
        ({"dilation": 0}, "dilation"),
        ({"groups": 0}, "groups"),
        ({"groups": 3}, "groups"),
        ({"padding": "mirror"}, "padding"),
        ({"stride": (1, 1, 1)}, "stride"),
    ],
)
def test_case_47_options_that_make_no_sense(options, argument):
    with pytest.raises(ArgumentError) as caught:
        F.conv2d(tc.zeros(1, 2, 4, 4), tc.zeros(2, 2, 3, 3), **options)
    assert caught.value.argument == argument


def test_a_stride_of_one_and_a_half():
    with pytest.raises(ArgumentTypeError, match="stride must be an integer"):
        F.conv2d(tc.zeros(1, 2, 4, 4), tc.zeros(2, 2, 3, 3), stride=1.5)


def test_case_48_empty_batch():
    w = leaf(randn(3, 2, 2, 2))
    out = F.conv2d(tc.zeros(0, 2, 4, 5, dtype="float64"), w)
    assert out.shape == (0, 3, 3, 4)
    out.sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), np.zeros((3, 2, 2, 2)))


def test_case_49_same_padding_with_an_even_kernel():
    x, w = tc.tensor([[[1.0, 2.0, 3.0]]]), tc.tensor([[[1.0, 10.0]]])
    assert F.conv1d(x, w, padding="same").tolist() == [[[21.0, 32.0, 3.0]]]
    assert F.conv1d(x, w, padding="valid").tolist() == [[[21.0, 32.0]]]


def test_case_49_same_padding_with_a_stride():
    with pytest.raises(ArgumentError, match="keeps the size") as caught:
        F.conv1d(tc.zeros(1, 1, 4), tc.zeros(1, 1, 3), stride=2, padding="same")
    assert caught.value.op == "conv"


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_padding_keeps_the_size(kernel, dilation):
    out = F.conv2d(tc.zeros(1, 1, 9, 9), tc.zeros(1, 1, kernel, kernel), padding="same", dilation=dilation)
    assert out.shape == (1, 1, 9, 9)


@pytest.mark.parametrize("groups", [2, 4])
def test_case_51_groups_are_convolutions_side_by_side(groups):
    x, w = randn(2, 4, 5, 5), randn(8, 4 // groups, 3, 3)
    together_x, together_w = leaf(x), leaf(w)
    together = F.conv2d(together_x, together_w, padding=1, groups=groups)
    apart_x, apart_w = leaf(x), leaf(w)
    apart = tc.cat(
        [
            F.conv2d(part_x, part_w, padding=1)
            for part_x, part_w in zip(apart_x.chunk(groups, 1), apart_w.chunk(groups, 0), strict=True)
        ],
        1,
    )
    g = tc.tensor(randn(*together.shape))
    together.backward(g)
    apart.backward(g)
    np.testing.assert_allclose(together.numpy(), apart.numpy(), rtol=1e-12)
    np.testing.assert_allclose(together_x.grad.numpy(), apart_x.grad.numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(together_w.grad.numpy(), apart_w.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_channels_that_do_not_match():
    with pytest.raises(ShapeError, match="looks at 4 channels, the image has 3"):
        F.conv2d(tc.zeros(1, 3, 8, 8), tc.zeros(6, 4, 5, 5))


def test_a_bias_is_never_broadcast():
    with pytest.raises(ShapeError, match="one number for each output"):
        F.conv2d(tc.zeros(1, 3, 8, 8), tc.zeros(6, 3, 5, 5), tc.zeros(1))


def test_dtypes_are_not_mixed():
    with pytest.raises(DTypeError, match="does not mix"):
        F.conv2d(tc.zeros(1, 3, 8, 8), tc.zeros(6, 3, 5, 5, dtype="float64"))


# --- depthwise and separable ----------------------------------------------------------------------


def test_case_51_a_depthwise_kernel_sees_one_channel():
    x, w = randn(2, 3, 5, 4), randn(6, 1, 3, 2)
    out = F.conv2d(tc.tensor(x), tc.tensor(w), groups=3).numpy()
    for kernel in range(6):
        channel = slice(kernel // 2, kernel // 2 + 1)
        alone = F.conv2d(tc.tensor(x[:, channel]), tc.tensor(w[kernel : kernel + 1])).numpy()
        np.testing.assert_allclose(out[:, kernel : kernel + 1], alone, rtol=1e-12)


def test_a_separable_convolution_is_a_convolution_with_a_factored_kernel():
    """Its kernel for a channel is a sum of the channel's depthwise ones, weighed by the pointwise weights."""
    x, depthwise, pointwise, bias = randn(2, 3, 6, 5), randn(6, 1, 3, 2), randn(4, 6, 1, 1), randn(4)
    options = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}
    separable = F.separable_conv2d(*map(tc.tensor, (x, depthwise, pointwise, bias)), **options)
    full = np.einsum("ocm,cmhw->ochw", pointwise.reshape(4, 3, 2), depthwise.reshape(3, 2, 3, 2))
    whole = F.conv2d(*map(tc.tensor, (x, full, bias)), **options)
    np.testing.assert_allclose(separable.numpy(), whole.numpy(), rtol=1e-10, atol=1e-12)


def test_gradients_of_a_separable_convolution():
    inputs = [leaf(randn(*shape)) for shape in ((1, 2, 4, 4), (4, 1, 2, 2), (3, 4, 1, 1), (3,))]
    assert gradcheck(
        lambda *t: F.separable_conv2d(*t, padding="same"), inputs, order=2, atol=1e-6, directions=2
    )


def test_a_separable_convolution_of_one_image_and_of_what_does_not_fit():
    x, depthwise, pointwise = tc.rand(2, 4, 4), tc.rand(2, 1, 3, 3), tc.rand(5, 2, 1, 1)
    single = F.separable_conv2d(x, depthwise, pointwise)
    np.testing.assert_array_equal(
        single.numpy(), F.separable_conv2d(x[None], depthwise, pointwise)[0].numpy()
    )
    for wrong in (
        (x, tc.rand(2, 2, 3, 3), pointwise),
        (x, depthwise, tc.rand(5, 3, 1, 1)),
        (x[0], depthwise, pointwise),
    ):
        with pytest.raises(ShapeError):
            F.separable_conv2d(*wrong)


def test_a_bias_of_another_dtype_is_not_converted_silently():
    with pytest.raises(DTypeError) as caught:
        F.conv2d(tc.zeros(1, 1, 3, 3), tc.zeros(2, 1, 3, 3), tc.zeros(2, dtype="float64"))
    assert "bias" in caught.value.argument
