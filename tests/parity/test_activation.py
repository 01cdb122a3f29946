"""Activations: PyTorch's values and gradients, at ordinary numbers, at the kinks and far out."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from parity.compare import layer_parity, parity, randn, torch

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn import nn

# Every setting of every activation that works number by number.
POINTWISE = [
    ("relu", {}),
    ("relu6", {}),
    ("leaky_relu", {}),
    ("leaky_relu", {"negative_slope": -0.5}),
    ("rrelu", {}),
    ("rrelu", {"lower": 0.25, "upper": 0.75}),
    ("elu", {}),
    ("elu", {"alpha": -2.0}),
    ("selu", {}),
    ("celu", {}),
    ("celu", {"alpha": 0.5}),
    ("gelu", {}),
    ("gelu", {"approximate": "tanh"}),
    ("silu", {}),
    ("mish", {}),
    ("softplus", {}),
    ("softplus", {"beta": 2.0, "threshold": 1.0}),
    ("softplus", {"beta": -0.5}),
    ("softsign", {}),
    ("sigmoid", {}),
    ("logsigmoid", {}),
    ("tanh", {}),
    ("tanhshrink", {}),
    ("hardsigmoid", {}),
    ("hardswish", {}),
    ("hardtanh", {}),
    ("hardtanh", {"min_val": -0.5, "max_val": 2.0}),
    ("hardtanh", {"min_val": 1.0, "max_val": 1.0}),
    ("hardshrink", {}),
    ("hardshrink", {"lambd": -1.0}),
    ("softshrink", {}),
    ("softshrink", {"lambd": 0.0}),
    ("softshrink", {"lambd": 1.0}),
    ("threshold", {"threshold": 0.5, "value": -5.0}),
]
pointwise = pytest.mark.parametrize(("name", "options"), POINTWISE)


# PyTorch's slope of hardsigmoid is 1/6 rounded to float32, in float64 too.
ROUNDED = {"hardsigmoid": {"float64": {"rtol": 1e-7}}}


@pytest.mark.parametrize("shape", [(4, 5), (), (0, 3)])
@pointwise
def test_values_and_gradients(name, options, shape):
    parity(name, np.asarray(randn(*shape) * 3), tolerance=ROUNDED.get(name), **options)


@pointwise
def test_kinks(name, options):
    bounds = [0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 20.0, 40.0]
    numbers = np.array([0.0, *bounds, *(-bound for bound in bounds)])
    parity(name, numbers, tolerance=ROUNDED.get(name), **options)


@pointwise
def test_case_23_far_out(name, options):
    parity(name, np.array([-1e3, -100.0, -21.0, 21.0, 100.0, 1e3]), **options)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # ∞ · 0, ∞ − ∞ and ∞ / ∞ are NaN here
@pointwise
def test_infinities(name, options):
    parity(name, np.array([-np.inf, np.inf]), **options)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pointwise
def test_nan_stays_nan(name, options):
    assert np.isnan(getattr(F, name)(tc.tensor([np.nan]), **options).numpy()).all()


@pytest.mark.parametrize("name", ["relu", "relu6", "softsign", "sigmoid", "tanh", "tanhshrink"])
def test_integers(name):
    parity(name, np.array([-3, 0, 2, 8]))


def test_integers_stay_integers_between_integer_bounds():
    parity("hardtanh", np.array([-3, 0, 2, 8]), min_val=-1, max_val=3)
    parity("threshold", np.array([-3, 0, 2, 8]), threshold=1, value=-5)


# --- prelu ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "slopes"),
    [
        ((), 1),
        ((5,), 1),
        ((4, 3), 1),
        ((4, 3), 3),
        ((4, 1), 1),
        ((2, 3, 4), 3),
        ((2, 3, 4, 5), 3),
        ((0, 3), 3),
        ((2, 0, 4), 0),
    ],
)
def test_prelu(shape, slopes):
    parity("prelu", np.asarray(randn(*shape)), randn(slopes))


def test_prelu_with_a_slope_without_dimensions():
    parity("prelu", randn(3, 4), np.array(0.25))


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_prelu_at_the_kink_and_far_out():
    parity("prelu", np.array([-np.inf, -1e3, 0.0, 1e3, np.inf]), np.array([0.25]))


# --- clamp ----------------------------------------------------------------------------------------

clamp = {"ours": tc.clamp, "theirs": torch.clamp}
STEPS = np.array([0.0, 1.0, 2.0, 3.0, 4.0, -np.inf, np.inf, np.nan])


@pytest.mark.parametrize(("low", "high"), [(1.0, 3.0), (3.0, 1.0), (2.0, 2.0), (1.0, None), (None, 3.0)])
def test_clamp_between_numbers(low, high):
    parity("clamp", STEPS, min=low, max=high, **clamp)


@pytest.mark.parametrize(("low", "high"), [(1.0, 3.0), (1.0, None), (None, 3.0)])
def test_clamp_between_tensors(low, high):
    parity("clamp", STEPS, *[None if bound is None else np.full(8, bound) for bound in (low, high)], **clamp)


def test_clamp_between_tensors_the_wrong_way_round():
    parity("clamp", STEPS[:-1], np.full(7, 3.0), np.full(7, 1.0), **clamp)


def test_clamp_between_tensors_that_broadcast():
    parity("clamp", randn(2, 3), randn(3), randn(2, 1) + 1, **clamp)
    parity("clamp", randn(2), randn(3, 1), **clamp)


def test_clamp_where_a_bound_is_nan():
    parity("clamp", STEPS, min=np.nan, max=3.0, **clamp)
    parity("clamp", STEPS, np.where(STEPS > 2, np.nan, 1.0), **clamp)


@pytest.mark.parametrize("bound", [2, 2.5])
def test_clamp_of_integers(bound):
    parity("clamp", np.array([1, 2, 3]), min=bound, **clamp)
    parity("clamp", np.array([1, 2, 3]), np.array([bound] * 3), **clamp)


# --- along a dimension ----------------------------------------------------------------------------

softmaxes = pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])


@pytest.mark.parametrize(
    ("shape", "dim"),
    [((4,), 0), ((), 0), ((), -1), ((2, 3), 1), ((2, 3, 4), -2), ((0, 3), 0), ((0, 3), 1), ((3, 0), 1)],
)
@softmaxes
def test_softmax(name, shape, dim):
    parity(name, np.asarray(randn(*shape)), dim=dim)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # ∞ − ∞ is NaN
@pytest.mark.parametrize(
    "scores",
    [
        [1e4, 0.0, -1e4],
        [-np.inf, 1.0, 2.0],
        [-np.inf, -np.inf, -np.inf],
        [np.inf, 1.0, 2.0],
        [np.nan, 1.0, 2.0],
    ],
)
@softmaxes
def test_case_32_softmax_far_out(name, scores):
    parity(name, np.array(scores), dim=0)


@softmaxes
def test_softmax_in_another_dtype(name):
    for given in ("float32", "int64"):
        scores = np.array([[1, 2], [3, 5]], given)
        mine = getattr(F, name)(tc.tensor(scores), 1, dtype="float64")
        theirs = getattr(torch.nn.functional, name)(torch.tensor(scores), 1, dtype=torch.float64)
        assert mine.dtype is tc.float64
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-12)


@pytest.mark.parametrize(("shape", "dim"), [((4,), -1), ((2, 6, 3), 1), ((4, 3), 0), ((0, 4), 1), ((0,), 0)])
def test_glu(shape, dim):
    parity("glu", randn(*shape), dim=dim)


# --- layers ---------------------------------------------------------------------------------------

LAYERS = [
    ("ReLU", ()),
    ("ReLU6", ()),
    ("LeakyReLU", (0.2,)),
    ("PReLU", ()),
    ("PReLU", (4, 0.1)),
    ("ELU", (0.5,)),
    ("SELU", ()),
    ("CELU", (0.5,)),
    ("GELU", ()),
    ("GELU", ("tanh",)),
    ("SiLU", ()),
    ("Mish", ()),
    ("Softplus", (2.0, 1.0)),
    ("Softsign", ()),
    ("Sigmoid", ()),
    ("LogSigmoid", ()),
    ("Tanh", ()),
    ("Tanhshrink", ()),
    ("Hardsigmoid", ()),
    ("Hardswish", ()),
    ("Hardtanh", (-0.5, 2.0)),
    ("Hardshrink", (0.7,)),
    ("Softshrink", (0.7,)),
    ("Threshold", (0.1, 20.0)),
    ("Softmax", (1,)),
    ("Softmax2d", ()),
    ("LogSoftmax", (1,)),
    ("Softmin", (1,)),
    ("GLU", (1,)),
]


@pytest.mark.parametrize(("name", "args"), LAYERS)
def test_layers(name, args):
    x = randn(2, 4, 3, 5)
    if name.lower() not in ROUNDED:
        layer_parity(name, x, args=args)
    layer_parity(name, x, args=args, train=False, dtype="float32")
    assert repr(getattr(nn, name)(*args)) == repr(getattr(torch.nn, name)(*args))


def test_rrelu():
    layer_parity("RReLU", randn(2, 4), args=(0.25, 0.5), train=False)
    assert repr(nn.RReLU(0.25, 0.5)) == repr(torch.nn.RReLU(0.25, 0.5))


@pytest.mark.parametrize("name", sorted({name for name, _ in LAYERS} | {"RReLU"}))
def test_a_layer_takes_pytorchs_arguments(name):
    assert defaults(getattr(nn, name)) == defaults(getattr(torch.nn, name))


def defaults(layer):
    """The arguments and their defaults. PyTorch's dtype None is float32; its dim None has to be said here."""
    none_is = {"dtype": tc.float32, "dim": inspect.Parameter.empty}
    return {
        name: none_is[name] if parameter.default is None else parameter.default
        for name, parameter in inspect.signature(layer).parameters.items()
        if name not in ("inplace", "device", "min_value", "max_value", "args", "kwargs")
    }
