"""Initial weights: the papers' variances, the shapes of what is orthogonal or sparse, errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import nn
from tinygrad_cnn.errors import ArgumentError, ShapeError, UnknownName
from tinygrad_cnn.nn import init

SHAPE = (50, 40, 3, 3)
FAN_IN, FAN_OUT = 40 * 9, 50 * 9


def drawn(function, *shape, **options):
    tc.manual_seed(5)
    return function(tc.zeros(*shape, dtype="float64"), **options).numpy()


def test_fans():
    assert init.fans(tc.zeros(*SHAPE)) == (FAN_IN, FAN_OUT)
    assert init.fans(tc.zeros(5, 7)) == (7, 5)


# --- variances ------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_xavier_is_the_papers(gain):
    """Glorot and Bengio: Var[W] = 2 / (n_in + n_out), equation 12; the uniform one is equation 16."""
    variance = gain**2 * 2 / (FAN_IN + FAN_OUT)
    assert drawn(init.xavier_normal_, *SHAPE, gain=gain).var() == pytest.approx(variance, rel=0.03)
    uniform = drawn(init.xavier_uniform_, *SHAPE, gain=gain)
    assert uniform.var() == pytest.approx(variance, rel=0.03)
    bound = gain * math.sqrt(6) / math.sqrt(FAN_IN + FAN_OUT)
    assert 0.99 * bound < np.abs(uniform).max() <= bound


@pytest.mark.parametrize("slope", [0.0, 0.25])
@pytest.mark.parametrize(("mode", "fan"), [("fan_in", FAN_IN), ("fan_out", FAN_OUT)])
def test_kaiming_is_the_papers(slope, mode, fan):
    """He et al.: ½ · (1 + a²) · n · Var[w] = 1, equations 10, 14 and 15."""
    variance = 2 / ((1 + slope**2) * fan)
    options = {"a": slope, "mode": mode}
    assert drawn(init.kaiming_normal_, *SHAPE, **options).var() == pytest.approx(variance, rel=0.03)
    uniform = drawn(init.kaiming_uniform_, *SHAPE, **options)
    assert uniform.var() == pytest.approx(variance, rel=0.03)
    assert 0.99 * math.sqrt(3 * variance) < np.abs(uniform).max() <= math.sqrt(3 * variance)


def test_signals_neither_grow_nor_fade_through_thirty_layers():
    """What all of it is for: ReLU layers drawn by He keep the mean square, drawn by Glorot lose half."""
    tc.manual_seed(0)
    x = y = tc.randn(64, 200)
    for _ in range(30):
        x = (x @ init.kaiming_normal_(tc.zeros(200, 200)).T).relu()
        y = (y @ init.xavier_normal_(tc.zeros(200, 200)).T).relu()
    assert 0.05 < (x * x).mean().item() < 20
    assert (y * y).mean().item() < 1e-6


# --- distributions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [
        (0.0, 1.0, -2.0, 2.0),
        (0.5, 2.0, -1.0, 0.25),
        (0.0, 1.0, 2.0, 4.0),
        (0.0, 0.02, -2.0, 2.0),
        (0.0, 1.0, 1.0, math.inf),
        (0.0, 1.0, -math.inf, -2.0),
        (0.0, 1.0, -math.inf, math.inf),
    ],
)
def test_truncated_normal_follows_its_bell(mean, std, a, b):
    numbers = drawn(init.trunc_normal_, 200, 100, mean=mean, std=std, a=a, b=b)
    assert numbers.min() >= a
    assert numbers.max() <= b

    def below(x):
        return (1 + math.erf((x - mean) / std / math.sqrt(2))) / 2

    for share in (0.1, 0.5, 0.9):  # as many lie below each quantile as the distribution says
        bound = np.quantile(numbers, share)
        expected = (below(bound) - below(a)) / (below(b) - below(a))
        assert expected == pytest.approx(share, abs=0.02)


def test_truncated_normal_in_float32_stays_inside():
    w = init.trunc_normal_(tc.zeros(50, 50), mean=0.1, std=1.0, a=0.1, b=0.3)
    assert float(w.numpy().min()) >= np.float32(0.1)
    assert float(w.numpy().max()) <= np.float32(0.3)


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (4, 3, 2, 2), (5, 1), (1, 5)])
def test_orthogonal(shape):
    w = drawn(init.orthogonal_, *shape, gain=2.0).reshape(shape[0], -1)
    rows, columns = w.shape
    gram = w @ w.T if rows <= columns else w.T @ w
    np.testing.assert_allclose(gram, 4 * np.eye(min(rows, columns)), atol=1e-12)


def test_orthogonal_matrices_are_not_biased():
    """The sign of R's diagonal is taken out: otherwise the first entries would always be negative."""
    tc.manual_seed(0)
    signs = [init.orthogonal_(tc.zeros(2, 2)).numpy()[0, 0] > 0 for _ in range(60)]
    assert 15 < sum(signs) < 45


@pytest.mark.parametrize(("sparsity", "zeros"), [(0.0, 0), (0.01, 1), (0.25, 5), (1.0, 20)])
def test_sparse(sparsity, zeros):
    w = drawn(init.sparse_, 20, 6, sparsity=sparsity, std=0.5)
    np.testing.assert_array_equal((w == 0).sum(axis=0), zeros)
    if zeros == 5:
        assert len({tuple(column) for column in (w == 0).T}) > 1  # other places in other columns
        assert w[w != 0].std() == pytest.approx(0.5, rel=0.3)


# --- layers that hand their input through ---------------------------------------------------------


def test_eye_makes_a_linear_layer_the_identity():
    layer = nn.Linear(4, 4, bias=False)
    init.eye_(layer.weight)
    x = tc.randn(3, 4)
    np.testing.assert_array_equal(layer(x).numpy(), x.numpy())


@pytest.mark.parametrize("groups", [1, 2])
def test_dirac_makes_a_convolution_the_identity(groups):
    layer = nn.Conv2d(4, 4, 3, padding=1, groups=groups, bias=False)
    init.dirac_(layer.weight, groups)
    x = tc.randn(2, 4, 5, 5)
    np.testing.assert_array_equal(layer(x).numpy(), x.numpy())


# --- what all share -------------------------------------------------------------------------------

ALL = [
    init.uniform_,
    init.normal_,
    init.trunc_normal_,
    init.zeros_,
    init.ones_,
    init.eye_,
    init.xavier_uniform_,
    init.xavier_normal_,
    init.kaiming_uniform_,
    init.kaiming_normal_,
    init.orthogonal_,
    lambda tensor: init.constant_(tensor, 2.0),
    lambda tensor: init.sparse_(tensor, 0.5),
]


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_tensor_itself_is_overwritten(function, dtype):
    w = tc.full((4, 3), 9.0, dtype=dtype, requires_grad=True)
    assert function(w) is w
    assert w.is_leaf
    assert str(w.dtype) == dtype
    assert not (w == 9.0).any()


@pytest.mark.parametrize("function", ALL)
def test_one_seed_gives_the_same_weights_on_every_backend(function):
    tc.manual_seed(1)
    here = function(tc.zeros(3, 2, dtype="float64")).numpy()
    tc.manual_seed(1)
    there = function(tc.zeros(3, 2, dtype="float64", backend="scalar")).numpy()
    np.testing.assert_array_equal(here, there)


@pytest.mark.parametrize("function", ALL)
def test_meta_draws_nothing(function):
    w = tc.zeros(40_000, 30_000, backend="meta")
    assert function(w) is w


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_nothing_to_fill(function, shape):
    assert function(tc.zeros(*shape)).shape == shape


@pytest.mark.parametrize(
    ("call", "error", "argument"),
    [
        (lambda: init.kaiming_normal_(tc.zeros(3)), ShapeError, "tensor"),
        (lambda: init.xavier_uniform_(tc.zeros(())), ShapeError, "tensor"),
        (lambda: init.orthogonal_(tc.zeros(3)), ShapeError, "tensor"),
        (lambda: init.eye_(tc.zeros(3)), ShapeError, "tensor"),
        (lambda: init.eye_(tc.zeros(3, 3, 3)), ShapeError, "tensor"),
        (lambda: init.sparse_(tc.zeros(3), 0.5), ShapeError, "tensor"),
        (lambda: init.sparse_(tc.zeros(3, 3), 1.5), ArgumentError, "sparsity"),
        (lambda: init.dirac_(tc.zeros(3, 3)), ShapeError, "tensor"),
        (lambda: init.dirac_(tc.zeros(3, 3, 3), groups=2), ArgumentError, "groups"),
        (lambda: init.dirac_(tc.zeros(3, 3, 3), groups=0), ArgumentError, "groups"),
        (lambda: init.trunc_normal_(tc.zeros(3), a=1.0, b=1.0), ArgumentError, "b"),
        (lambda: init.trunc_normal_(tc.zeros(3), std=0.0), ArgumentError, "std"),
        (lambda: init.kaiming_normal_(tc.zeros(3, 3), mode="fan"), UnknownName, "mode"),
        (lambda: init.kaiming_normal_(tc.zeros(3, 3), nonlinearity="relo"), UnknownName, "nonlinearity"),
        (lambda: init.calculate_gain("swish"), UnknownName, "nonlinearity"),
    ],
)
def test_errors(call, error, argument):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.argument == argument
