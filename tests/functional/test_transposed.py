"""conv_transpose1d, 2d, 3d: every number lays down a kernel, what overlaps is added."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, DTypeError, ShapeError
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing.strategies import arrays

FUNCTIONS = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def leaf(array):
    return tc.tensor(array, requires_grad=True)


def laid_down(x, w, size, stride, padding, dilation, groups):
    """The definition: cell k of the kernel laid down for place p lands on p · stride + k · dilation − cut."""
    inner, outer = x.shape[1] // groups, w.shape[1]
    out = np.zeros((len(x), outer * groups, *size))
    for n, c, *place in np.ndindex(*x.shape):
        for o, *offset in np.ndindex(*w.shape[1:]):
            where = tuple(
                p * s + k * d - cut
                for p, s, k, d, cut in zip(place, stride, offset, dilation, padding, strict=True)
            )
            if all(0 <= i < s for i, s in zip(where, size, strict=True)):
                out[(n, c // inner * outer + o, *where)] += x[(n, c, *place)] * w[(c, o, *offset)]
    return out


@st.composite
def transposed_convolutions(draw):
    """An image, a kernel and options for any number of dimensions, with an output of at least one cell."""
    spatial, groups = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    size, kernel, stride, padding, dilation, extra = [], [], [], [], [], []
    for _ in range(spatial):
        size.append(draw(st.integers(1, 4 if spatial < 3 else 2)))
        kernel.append(draw(st.integers(1, 3)))
        stride.append(draw(st.integers(1, 3)))
        dilation.append(draw(st.integers(1, 2 if kernel[-1] > 1 else 1)))
        extra.append(draw(st.integers(0, max(stride[-1], dilation[-1]) - 1)))
        whole = (size[-1] - 1) * stride[-1] + dilation[-1] * (kernel[-1] - 1) + 1 + extra[-1]
        padding.append(draw(st.integers(0, min((whole - 1) // 2, 3))))
    x = draw(arrays((draw(st.integers(0, 2)), 2 * groups, *size)))
    w = draw(arrays((2 * groups, draw(st.integers(1, 2)), *kernel)))
    options = {
        "stride": stride,
        "padding": padding,
        "output_padding": extra,
        "groups": groups,
        "dilation": dilation,
    }
    return x, w, options


@pytest.mark.parametrize("overrides", [True, False], ids=["fast kernels", "readable kernels"])
@settings(deadline=None, max_examples=50)
@given(transposed_convolutions())
def test_results_are_those_of_the_definition(overrides, drawn):
    x, w, options = drawn
    function = FUNCTIONS[x.ndim - 2]
    with tc.use_backend("numpy", overrides=overrides):
        result = function(tc.tensor(x), tc.tensor(w), **options)
    size = [
        (n - 1) * s - 2 * p + d * (k - 1) + more + 1
        for n, s, p, d, k, more in zip(
            x.shape[2:],
            options["stride"],
            options["padding"],
            options["dilation"],
            w.shape[2:],
            options["output_padding"],
            strict=True,
        )
    ]
    known = {name: options[name] for name in ("stride", "padding", "dilation", "groups")}
    assert result.shape[2:] == tuple(size)
    np.testing.assert_allclose(result.numpy(), laid_down(x, w, size, **known), rtol=1e-10, atol=1e-10)


@settings(deadline=None, max_examples=15)
@given(transposed_convolutions())
def test_gradients(drawn):
    x, w, options = drawn
    function = FUNCTIONS[x.ndim - 2]
    bias = leaf(np.arange(w.shape[1] * options["groups"]) / 4 + 0.1)
    inputs = [leaf(x), leaf(w), bias]
    assert gradcheck(lambda *t: function(*t, **options), inputs, order=2, atol=1e-5, directions=1)


def test_case_50_output_padding():
    x, w = tc.ones(1, 1, 3), tc.ones(1, 1, 3)
    out = F.conv_transpose1d(x, w, stride=2, padding=1, output_padding=1)
    assert out.tolist() == [[[1, 2, 1, 2, 1, 1]]]


def test_output_padding_beyond_what_the_kernels_reach_is_the_bias():
    out = F.conv_transpose1d(
        tc.ones(1, 1, 2), tc.ones(1, 1, 2), tc.tensor([0.5]), dilation=3, output_padding=2
    )
    assert out.tolist() == [[[1.5, 1.5, 0.5, 1.5, 1.5, 0.5, 0.5]]]


def test_it_is_the_transpose_of_a_convolution():
    """⟨conv(x, w), y⟩ = ⟨x, conv_transpose(y, w)⟩, with one and the same w."""
    rng = np.random.default_rng(0)
    x, w = tc.tensor(rng.normal(size=(2, 4, 9, 7))), tc.tensor(rng.normal(size=(6, 2, 3, 2)))
    options = {"stride": (2, 1), "padding": (1, 0), "groups": 2}
    y = tc.tensor(rng.normal(size=F.conv2d(x, w, **options).shape))
    there = (F.conv2d(x, w, **options) * y).sum()
    back = (x * F.conv_transpose2d(y, w, **options)).sum()
    assert there.item() == pytest.approx(back.item(), rel=1e-12)


def test_case_51_groups_are_transposed_convolutions_side_by_side():
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(2, 4, 3, 3)), rng.normal(size=(4, 3, 2, 2))
    together_x, apart_x, together_w, apart_w = leaf(x), leaf(x), leaf(w), leaf(w)
    together = F.conv_transpose2d(together_x, together_w, stride=2, groups=2)
    parts = zip(apart_x.chunk(2, 1), apart_w.chunk(2, 0), strict=True)
    apart = tc.cat([F.conv_transpose2d(*part, stride=2) for part in parts], 1)
    g = tc.tensor(rng.normal(size=together.shape))
    together.backward(g)
    apart.backward(g)
    np.testing.assert_allclose(together.numpy(), apart.numpy(), rtol=1e-12)
    np.testing.assert_allclose(together_x.grad.numpy(), apart_x.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(together_w.grad.numpy(), apart_w.grad.numpy(), rtol=1e-12)


def test_case_48_empty_batch():
    w, bias = leaf(np.ones((2, 3, 2, 2))), leaf(np.ones(3))
    out = F.conv_transpose2d(tc.zeros(0, 2, 4, 5, dtype="float64"), w, bias, stride=2)
    assert out.shape == (0, 3, 8, 10)
    out.sum().backward()
    assert not w.grad.numpy().any()
    assert not bias.grad.numpy().any()


def test_an_image_without_a_batch():
    x, w = tc.rand(2, 4, 3), tc.rand(2, 3, 2, 2)
    np.testing.assert_array_equal(F.conv_transpose2d(x, w).numpy(), F.conv_transpose2d(x[None], w)[0].numpy())


def test_an_infinity_stays_under_its_kernel():
    x = tc.tensor([[[1.0, float("inf"), 1.0]]])
    assert F.conv_transpose1d(x, tc.ones(1, 1, 1), stride=2).tolist() == [[[1, 0, float("inf"), 0, 1]]]


@pytest.mark.parametrize(
    ("x", "w", "options", "error", "argument"),
    [
        ((1, 3, 4, 4), (2, 3, 2, 2), {}, ShapeError, "weight"),
        ((1, 2, 4, 4), (2, 3, 2), {}, ShapeError, "weight"),
        ((4, 4), (2, 3, 2, 2), {}, ShapeError, "input"),
        ((1, 2, 1, 1), (2, 3, 2, 2), {"padding": 1}, ShapeError, "input"),
        ((1, 2, 0, 4), (2, 3, 2, 2), {}, ShapeError, "input"),
        ((1, 2, 4, 4), (2, 3, 2, 2), {"groups": 3}, ArgumentError, "groups"),
        ((1, 2, 4, 4), (2, 3, 2, 2), {"groups": 0}, ArgumentError, "groups"),
        ((1, 2, 4, 4), (2, 3, 2, 2), {"stride": 0}, ArgumentError, "stride"),
        ((1, 2, 4, 4), (2, 3, 2, 2), {"dilation": 0}, ArgumentError, "dilation"),
        ((1, 2, 4, 4), (2, 3, 2, 2), {"padding": -1}, ArgumentError, "padding"),
        ((1, 2, 4, 4), (2, 3, 2, 2), {"output_padding": 1}, ArgumentError, "output_padding"),
        ((1, 2, 4, 4), (2, 3, 2, 2), {"output_padding": -1}, ArgumentError, "output_padding"),
        (
            (1, 2, 4, 4),
            (2, 3, 2, 2),
            {"output_padding": (1, 1, 1), "stride": 2},
            ArgumentError,
            "output_padding",
        ),
    ],
)
def test_case_47_options_that_make_no_sense(x, w, options, error, argument):
    with pytest.raises(error) as caught:
        F.conv_transpose2d(tc.zeros(*x), tc.zeros(*w), **options)
    assert caught.value.argument == argument


def test_a_bias_is_never_broadcast_and_dtypes_are_not_mixed():
    x, w = tc.zeros(1, 2, 4), tc.zeros(2, 3, 2)
    with pytest.raises(ShapeError, match="one number for each output"):
        F.conv_transpose1d(x, w, tc.zeros(1))
    with pytest.raises(DTypeError, match="does not mix"):
        F.conv_transpose1d(x, w.to("float64"))


# --- what the two adjoint operations check --------------------------------------------------------

WINDOW = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}


@pytest.mark.parametrize(
    ("grad", "w", "options", "error", "argument"),
    [
        ((1, 3, 3, 3), (3, 2, 2, 2), {"size": (4, 5)}, ShapeError, "grad"),
        ((1, 3, 3), (3, 2, 2, 2), {"size": (4, 4)}, ShapeError, "grad"),
        ((1, 3, 3, 3), (3, 2, 2), {"size": (4, 4)}, ShapeError, "w"),
        ((1, 4, 3, 3), (3, 2, 2, 2), {"size": (4, 4)}, ShapeError, "grad"),
        ((1, 3, 3, 3), (3, 2, 2, 2), {"size": (4,)}, ShapeError, "size"),
        ((1, 3, 3, 3), (3, 2, 2, 2), {"size": (1, 4)}, ShapeError, "size"),
        ((1, 3, 3, 3), (3, 2, 2, 2), {"size": (4, 4), "groups": 2}, ArgumentError, "groups"),
    ],
)
def test_the_input_gradient_checks_what_it_gets(grad, w, options, error, argument):
    op = tc.ops.window.conv_input_grad
    with pytest.raises(error) as caught:
        op(tc.zeros(*grad), tc.zeros(*w), **{**WINDOW, **options})
    assert (caught.value.argument, caught.value.op) == (argument, "conv_input_grad")


@pytest.mark.parametrize(
    ("x", "grad", "options", "error", "argument"),
    [
        ((1, 2, 4, 4), (1, 3, 3, 4), {"kernel_size": (2, 2)}, ShapeError, "grad"),
        ((1, 2, 4, 4), (2, 3, 3, 3), {"kernel_size": (2, 2)}, ShapeError, "grad"),
        ((2, 4, 4), (1, 3, 3, 3), {"kernel_size": (2, 2)}, ShapeError, "x"),
        ((1, 2, 4, 4), (1, 3, 3), {"kernel_size": (2, 2)}, ShapeError, "grad"),
        ((1, 2, 4, 4), (1, 3, 3, 3), {"kernel_size": (2,)}, ShapeError, "kernel_size"),
        ((1, 2, 4, 4), (1, 3, 3, 3), {"kernel_size": (5, 5)}, ShapeError, "x"),
        ((1, 2, 4, 4), (1, 3, 3, 3), {"kernel_size": (2, 2), "groups": 2}, ArgumentError, "groups"),
    ],
)
def test_the_weight_gradient_checks_what_it_gets(x, grad, options, error, argument):
    op = tc.ops.window.conv_weight_grad
    with pytest.raises(error) as caught:
        op(tc.zeros(*x), tc.zeros(*grad), **{**WINDOW, **options})
    assert (caught.value.argument, caught.value.op) == (argument, "conv_weight_grad")


def test_the_gradients_of_a_convolution_do_not_mix_dtypes():
    double = tc.zeros(1, 3, 3, 3, dtype="float64")
    with pytest.raises(DTypeError, match="does not mix"):
        tc.ops.window.conv_input_grad(double, tc.zeros(3, 2, 2, 2), size=(4, 4), **WINDOW)
    with pytest.raises(DTypeError, match="does not mix"):
        tc.ops.window.conv_weight_grad(tc.zeros(1, 2, 4, 4), double, kernel_size=(2, 2), **WINDOW)
