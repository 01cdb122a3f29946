"""Numbers that the lectures work out by hand, reproduced with the library's own code.

Where the slides use logarithms of base 10 or 2, the library's natural ones are converted.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F


def image(rows, **options):
    """Rows as a batch of one image with one channel."""
    return tc.tensor([[rows]], dtype="float64", **options)


def rows(t):
    return t[0, 0].tolist()


# --- softmax, cross-entropy, entropy --------------------------------------------------------------


@pytest.mark.parametrize(
    ("scores", "probabilities", "digits"),
    [
        (
            [3.82, 5.35, 1.44, -1.26, 2.71, 1.98],
            [0.16115195, 0.74422819, 0.01491471, 0.00100235, 0.05310907, 0.02559374],
            8,
        ),
        ([-0.8, 2.0, 6.0, -2.7, 0.8], [0.0011, 0.0179, 0.9755, 0.0002, 0.0054], 4),
    ],
)
def test_softmax(scores, probabilities, digits):
    result = F.softmax(tc.tensor(scores, dtype="float64"), 0)
    np.testing.assert_allclose(result.numpy(), probabilities, atol=0.51 * 10**-digits)


def test_softmax_step_by_step():
    powers = tc.tensor([-0.8, 2.0, 6.0, -2.7, 0.8], dtype="float64").exp()
    np.testing.assert_allclose(powers.numpy(), [0.4493, 7.3891, 403.4288, 0.0672, 2.2255], atol=5e-5)
    assert powers.sum().item() == pytest.approx(413.5599, abs=5e-5)


def test_case_32_softmax_of_enormous_scores():
    assert F.softmax(tc.tensor([1e4, 0.0, -1e4]), 0).tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("right", "loss", "digits"), [(0.72, 0.14267, 5), (0.52, 0.284, 3), (0.30, 0.5229, 4)]
)
def test_cross_entropy_in_base_10(right, loss, digits):
    logits = tc.tensor([[right, 1 - right]], dtype="float64").log()
    natural = F.cross_entropy(logits, tc.tensor([0])).item()
    assert natural / math.log(10) == pytest.approx(loss, abs=0.51 * 10**-digits)


@pytest.mark.parametrize(
    ("y", "predicted", "loss"), [(0, 0.20, 0.09691), (1, 0.92, 0.03621), (0, 0.65, 0.45593)]
)
def test_binary_cross_entropy_in_base_10(y, predicted, loss):
    """Two classes with logits z and 0 are a sigmoid of z."""
    z = math.log(predicted / (1 - predicted))
    natural = F.cross_entropy(tc.tensor([[0.0, z]], dtype="float64"), tc.tensor([y])).item()
    assert natural / math.log(10) == pytest.approx(loss, abs=6e-6)


def entropy_in_bits(p, q):
    """The cross-entropy of probabilities p against predictions q; of p against itself, its entropy."""
    logits = tc.tensor([q], dtype="float64").log()
    return F.cross_entropy(logits, tc.tensor([p], dtype="float64")).item() / math.log(2)


def test_entropy_and_divergence_in_bits():
    uneven, even, near = [0.8, 0.2], [0.5, 0.5], [0.88, 0.12]
    assert entropy_in_bits(uneven, uneven) == pytest.approx(0.72, abs=0.005)
    assert entropy_in_bits(even, even) == pytest.approx(1)
    for q, divergence in ((even, 0.28), (near, 0.04)):
        difference = entropy_in_bits(uneven, q) - entropy_in_bits(uneven, uneven)
        assert difference == pytest.approx(divergence, abs=0.006)


# --- logistic regression by hand ------------------------------------------------------------------

X = [[0.2, 0.7], [0.8, 0.1], [0.3, 0.5]]
LABELS = [0, 1, 0]
W = [[0.65, 1.19], [0.69, -0.92]]


def test_logistic_regression():
    x, w = tc.tensor(X, dtype="float64"), tc.tensor(W, dtype="float64")
    slopes = []
    for sample, label in zip(x, LABELS, strict=True):
        b = tc.zeros(2, dtype="float64", requires_grad=True)
        F.cross_entropy(F.linear(sample, w, b), tc.tensor(label)).backward()
        slopes.append(b.grad[0].item())
    np.testing.assert_allclose(slopes, [-0.19, 0.54, -0.26], atol=0.006)

    b = tc.zeros(2, dtype="float64", requires_grad=True)
    logits = F.linear(x, w, b)
    np.testing.assert_allclose(F.softmax(logits, 1)[0].numpy(), [0.8129, 0.1871], atol=5e-5)
    F.cross_entropy(logits, tc.tensor(LABELS)).backward()
    assert b.grad[0].item() == pytest.approx(np.mean(slopes), rel=1e-12)
    assert b.grad[0].item() == pytest.approx(0.03, abs=0.005)
    optimizer = tc.optim.SGD([b], lr=0.1)
    optimizer.step()
    assert b[0].item() == pytest.approx(-0.003, abs=0.0005)


def test_the_scalars_the_slides_draw_give_the_same_slope():
    """z, h = exp(z), H = h1 + h2, ŷ = h/H, log, · y, sum, negate."""
    b1 = tc.tensor(0.0, dtype="float64", requires_grad=True)
    h1, h2 = (0.65 * 0.2 + 1.19 * 0.7 + b1).exp(), tc.tensor(0.69 * 0.2 - 0.92 * 0.7, dtype="float64").exp()
    total = h1 + h2
    loss = -((h1 / total).log() * 1 + (h2 / total).log() * 0)
    loss.backward()
    assert b1.grad.item() == pytest.approx((h1 / total).item() - 1, rel=1e-12)
    assert b1.grad.item() == pytest.approx(-0.19, abs=0.005)


def test_a_two_layer_network_of_zeros_is_undecided():
    x = tc.tensor([[float(i)] for i in range(10)])
    w1, w2 = tc.zeros(4, 10), tc.zeros(2, 4)
    assert F.softmax(w2 @ F.sigmoid(w1 @ x), 0).tolist() == [[0.5], [0.5]]


# --- convolution ----------------------------------------------------------------------------------

FIVE = [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
NINE = [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


@pytest.mark.parametrize(
    ("x", "kernel", "out"),
    [
        (FIVE, [[0, 1, 2], [2, 2, 0], [0, 1, 2]], [[12, 12, 17], [10, 17, 19], [9, 6, 14]]),
        (NINE, [[0, 1], [2, 3]], [[19, 25], [37, 43]]),
    ],
)
def test_sliding_a_kernel(x, kernel, out):
    assert rows(F.conv2d(image(x), image(kernel))) == out


def test_the_first_output_of_the_animation():
    x = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
    assert rows(F.conv2d(image(x), image([[1, 0, 1], [0, 1, 0], [1, 0, 1]])))[0][0] == 4


# The demo of cs231n is a true convolution: its kernels are rotated by 180°.
DEMO = [
    [[6, 3, 4, 6, 2], [7, 4, 4, 6, 1], [2, 6, 2, 2, 7], [4, 3, 7, 7, 2], [5, 4, 1, 7, 3]],
    [[5, 5, 1, 7, 3], [4, 0, 3, 1, 5], [4, 3, 0, 0, 2], [2, 6, 1, 7, 3], [3, 7, 6, 5, 5]],
    [[6, 5, 2, 3, 6], [3, 7, 0, 2, 4], [2, 6, 4, 0, 6], [1, 3, 0, 3, 5], [1, 1, 0, 1, 4]],
]
KERNELS = [
    [
        [[-1, 1, 1], [1, 1, 2], [0, -2, 1]],
        [[-1, 1, -1], [-1, 1, 2], [-1, -1, 1]],
        [[-1, -1, 1], [1, -2, 2], [2, -1, 2]],
    ],
    [
        [[-1, -2, 1], [1, 1, 2], [-2, 2, 2]],
        [[-2, -2, -2], [-2, 1, 0], [0, -2, 0]],
        [[0, -2, 0], [2, -1, -1], [-2, 1, -2]],
    ],
]
ANSWERS = [
    [
        [0, 34, 39, 23, 35],
        [-12, 27, 48, 7, 28],
        [-2, 20, 28, 28, 5],
        [-1, 27, 41, 39, 17],
        [-6, 15, 34, 18, 35],
    ],
    [
        [-24, -18, -16, -7, -8],
        [-10, -43, -12, -12, -6],
        [-26, -3, -60, -10, -16],
        [-60, -20, -27, -45, 4],
        [-8, -3, 5, 17, 28],
    ],
]


def rotated():
    return tc.tensor(KERNELS, dtype="float64").flip((2, 3))


def test_the_demo_is_a_true_convolution():
    x, bias = tc.tensor([DEMO], dtype="float64"), tc.tensor([1, 0], dtype="float64")
    out = F.conv2d(x, rotated(), bias, padding=1)
    assert out[0].tolist() == ANSWERS
    assert F.relu(out)[0].tolist() == np.maximum(ANSWERS, 0).tolist()


def test_the_library_finds_the_misprints():
    """The slides print 48 for v0[2][3], and two wrong parts of other sums."""
    x = tc.tensor([DEMO], dtype="float64")
    out = F.conv2d(x, rotated(), tc.tensor([1, 0], dtype="float64"), padding=1)
    assert out[0, 0, 2, 3].item() == 28
    # One channel each: groups keep the sums apart. Their order is w0[0], w1[0], w0[1], w1[1], ...
    parts = F.conv2d(x, rotated().transpose(0, 1).reshape(6, 1, 3, 3), padding=1, groups=3)
    assert parts[0, 0, 4, 1].item() == 13  # the slides: 16
    assert parts[0, 2, 0, 4].item() == 21  # the slides: 12


# --- pooling and ReLU -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "size", "stride", "out"),
    [
        (FIVE, 3, 1, [[3, 3, 3], [3, 3, 3], [3, 2, 3]]),
        (NINE, 2, 1, [[4, 5], [7, 8]]),
        ([[1, 1, 3, 4], [3, 6, 2, 8], [3, 9, 1, 0], [1, 3, 3, 4]], 2, 2, [[6, 8], [9, 4]]),
        ([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]], 2, 2, [[6, 8], [3, 4]]),
    ],
)
def test_max_pooling(x, size, stride, out):
    assert rows(F.max_pool2d(image(x), size, stride)) == out


def test_relu():
    x = [[7, 10, -5, 2, 1], [1, 0, 2, 3, -6], [1, 17, -5, 0, 0], [0, 1, 1, 1, 0], [0, 0, -8, 12, 1]]
    assert rows(F.relu(image(x))) == [[max(number, 0) for number in row] for row in x]


# --- convolution, backwards -----------------------------------------------------------------------


def test_the_outputs_of_a_small_convolution_term_by_term():
    x, f = np.random.default_rng(0).normal(size=(3, 3)), np.random.default_rng(1).normal(size=(2, 2))
    expected = [
        [sum(x[i + a, j + b] * f[a, b] for a in range(2) for b in range(2)) for j in range(2)]
        for i in range(2)
    ]
    np.testing.assert_allclose(rows(F.conv2d(image(x.tolist()), image(f.tolist()))), expected, rtol=1e-12)


def test_the_gradients_of_a_convolution_are_convolutions():
    rng = np.random.default_rng(0)
    x, f = (image(rng.normal(size=(n, n)).tolist(), requires_grad=True) for n in (3, 2))
    g = image(rng.normal(size=(2, 2)).tolist())
    F.conv2d(x, f).backward(g)
    np.testing.assert_allclose(f.grad.numpy(), F.conv2d(x.detach(), g).numpy(), rtol=1e-12)
    full = F.conv2d(F.pad(g, (1, 1, 1, 1)), f.detach().flip((2, 3)))
    np.testing.assert_allclose(x.grad.numpy(), full.numpy(), rtol=1e-12)


def test_pooling_sends_the_gradient_to_the_maximum():
    x = image([[1, 1, 3, 4], [3, 6, 2, 8], [3, 9, 1, 0], [1, 3, 3, 4]], requires_grad=True)
    F.max_pool2d(x, 2).backward(image([[1, 2], [3, 4]]))
    assert rows(x.grad) == [[0, 0, 0, 0], [0, 1, 0, 2], [0, 3, 0, 0], [0, 0, 0, 4]]
