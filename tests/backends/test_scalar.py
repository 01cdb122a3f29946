"""The scalar engine by itself, and what NumPy cannot do for arrays of its numbers."""

from __future__ import annotations

import gc
import math

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn_backends.scalar import Scalar, chain_rule, namespace

# --- one number -----------------------------------------------------------------------------------


def test_case_2_a_fan_out_adds_up():
    a = Scalar(1.0)
    b = a + a
    c = b + b
    c.backward()
    assert (c.value, a.grad, b.grad) == (4.0, 4.0, 2.0)


def test_a_second_backward_starts_afresh():
    x = Scalar(3.0)
    y = x * x
    y.backward()
    y.backward()
    assert x.grad == 6.0
    y.backward(seed=-2.0)
    assert x.grad == -12.0


def test_a_chain_of_100000_goes_forward_backward_and_away():
    start = total = Scalar(1.0)
    for _ in range(100_000):
        total = total + 1.0
    total.backward()
    assert start.grad == 1.0
    del total


def test_nothing_is_left_for_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        x = Scalar(2.0)
        y = (x * x + x).exp() / x
        y.backward()
        del x, y
        assert gc.collect() == 0
    finally:
        gc.enable()


OPERATORS = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "**": lambda x, y: x**y,
    "%": lambda x, y: x % y,
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_and_their_reflections(name):
    operate = OPERATORS[name]
    for x, y in ((1.7, 0.6), (2.5, 3.0)):
        here, eps = operate(x, y), 1e-6
        for left, right in ((Scalar(x), Scalar(y)), (Scalar(x), y), (x, Scalar(y))):
            if name == "%" and not isinstance(left, Scalar):
                continue  # a remainder of a plain number is of no use to any kernel
            result = operate(left, right)
            assert result.value == pytest.approx(here, rel=1e-15)
            result.backward()
            if isinstance(left, Scalar):
                slope = (operate(x + eps, y) - operate(x - eps, y)) / (2 * eps)
                assert left.grad == pytest.approx(slope, rel=1e-7)
            if isinstance(right, Scalar):
                slope = (operate(x, y + eps) - operate(x, y - eps)) / (2 * eps)
                assert right.grad == pytest.approx(slope, rel=1e-7)


ELEMENTARY = [
    name
    for name, value in vars(Scalar).items()
    if callable(value) and not name.startswith("_") and name not in ("backward", "history", "arctan2")
]


@pytest.mark.parametrize("name", ELEMENTARY)
def test_elementary_functions(name):
    numpy_function = {"erf": lambda x: math.erf(x), "relu": lambda x: max(x, 0.0)}.get(name) or getattr(
        np, name
    )
    x, eps = (1.3 if name == "arccosh" else 0.6), 1e-6
    number = Scalar(x)
    result = getattr(number, name)()
    assert result.value == pytest.approx(float(numpy_function(x)), rel=1e-14)
    result.backward()
    slope = (float(numpy_function(x + eps)) - float(numpy_function(x - eps))) / (2 * eps)
    assert number.grad == pytest.approx(slope, rel=1e-7)


def test_where_python_raises_ieee_arithmetic_answers():
    zero, one = Scalar(0.0), Scalar(1.0)
    assert (one / zero).value == math.inf
    assert math.isnan((zero / zero).value)
    assert zero.log().value == -math.inf
    assert Scalar(1e3).exp().value == math.inf
    assert (zero**-1.0).value == math.inf
    assert math.isnan((Scalar(-8.0) ** 0.5).value)
    assert math.isnan(Scalar(-1.0).sqrt().value)
    root = zero.sqrt()
    root.backward()
    assert zero.grad == math.inf  # as CASES 17 asks of 0^0.5


def test_kinks_have_the_slopes_of_the_rules():
    for name in ("relu", "__abs__"):
        x = Scalar(0.0)
        getattr(x, name)().backward()
        assert x.grad == 0.0
    x = Scalar(0.0)
    (x**0).backward()
    assert x.grad == 0.0


def test_a_number_is_no_array():
    x = Scalar(2.0)
    assert x.__add__("2") is NotImplemented
    with pytest.raises(TypeError):
        x + "2"
    np.testing.assert_array_equal(namespace.values(x * np.array([1.0, 2.0])), [2.0, 4.0])
    assert float(x) == 2.0
    assert x != 3.0
    assert x == 2.0
    assert len({x, Scalar(2.0)}) == 2  # equal in value, two numbers of a graph
    assert repr(x) == "Scalar(2)"


# --- arrays of them -------------------------------------------------------------------------------


@pytest.fixture
def on_scalars():
    with tc.use_backend("scalar") as backend:
        yield backend


def elements(array):
    return [type(number) for number in np.asarray(array, dtype=object).flat]


@pytest.mark.parametrize(
    "make",
    [
        lambda x: tc.sum(x),
        lambda x: tc.sum(x[:, :0], dim=1),
        lambda x: tc.prod(x[:, :0], dim=1),
        lambda x: tc.zeros(2),
        lambda x: tc.cat([tc.zeros(1, 3), x]),
        lambda x: tc.functional.pad(x, (1, 1)),
        lambda x: tc.where(x > 0, x, 0),
        lambda x: x[:, :0] @ x[:0],
        lambda x: x.amax(),
        lambda x: x.sign(),
        lambda x: x.floor(),
        lambda x: x.mean(),
        lambda x: tc.arange(3) * 1.0,
        lambda x: tc.functional.one_hot(tc.tensor([1, 0]), 2).to("float64"),
    ],
)
def test_every_float_is_a_scalar(on_scalars, make):
    x = tc.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])
    result = make(x)
    assert isinstance(result.array, np.ndarray)
    assert result.array.shape == result.shape
    assert set(elements(result.array)) <= {Scalar}
    assert result.dtype.is_floating


def test_integers_and_bools_are_plain_arrays(on_scalars):
    x = tc.tensor([[1.0, -2.0], [3.0, float("nan")]])
    for result, expected in (
        (x > 0, [[True, False], [True, False]]),
        (x.isnan(), [[False, False], [False, True]]),
        (tc.isfinite(x), [[True, True], [True, False]]),
        (x[0].argmax(), 0),
        (x[0].to("int64"), [1, -2]),
        (x[0].argsort(), [1, 0]),
        (tc.tensor([1, 2]).sum(), 3),
    ):
        assert result.array.dtype.kind in "bi"
        np.testing.assert_array_equal(result.numpy(), expected)


def test_a_convolution_is_its_nine_products(on_scalars):
    """O00 = x00·f00 + x01·f01 + … + x22·f22, to be seen in the graph."""
    x, f = tc.rand(1, 1, 4, 4), tc.rand(1, 1, 3, 3)
    corner = tc.functional.conv2d(x, f).array[0, 0, 0, 0]
    history = [number for number in corner.history() if number.symbol]
    assert [number.symbol for number in history].count("·") == 9
    assert [number.symbol for number in history].count("+") == 8
    places = {number: place for place, number in np.ndenumerate(x.array)}
    cells = {number: place for place, number in np.ndenumerate(f.array)}
    pairs = [
        {places.get(parent, cells.get(parent)) for parent, _ in number.parents}
        for number in history
        if number.symbol == "·"
    ]
    assert sorted(pairs, key=str) == sorted(({(0, 0, i, j)} for i in range(3) for j in range(3)), key=str)


def test_equal_maxima_share_the_gradient_and_nan_wins(on_scalars):
    x = tc.tensor([2.0, 7.0, 7.0])
    assert chain_rule(x.amax().array, 1.0, [x.array])[0].tolist() == [0.0, 0.5, 0.5]
    y = tc.tensor([7.0, 2.0, 7.0])
    assert chain_rule(tc.maximum(x, y).array, [1.0, 1.0, 1.0], [x.array])[0].tolist() == [0.0, 1.0, 0.5]
    assert tc.tensor([1.0, float("nan"), 3.0]).amax().isnan().item()
    assert tc.maximum(tc.tensor(float("nan")), 1.0).isnan().item()


def test_kinks_have_the_slopes_of_the_tensor_rules(on_scalars):
    """Where a network really stands on kinks: a ReLU of 0, a pool over equal zeros, a clamp's bound."""
    for function in (
        lambda x: x.relu(),
        lambda x: x.clamp(-1.0, 1.0),
        lambda x: tc.functional.max_pool1d(x.reshape(1, 1, -1), 2),
        lambda x: tc.abs(x),
        lambda x: x.sort()[0],
    ):
        numbers = [0.0, 0.0, 1.0, -1.0, 2.0, 2.0]
        x = tc.tensor(numbers, dtype="float64")
        out = function(x)
        seed = np.arange(1.0, out.numel() + 1).reshape(out.shape)
        (expected,) = chain_rule(out.array, seed, [x.array])
        y = tc.tensor(numbers, dtype="float64", requires_grad=True, backend="numpy")
        function(y).backward(tc.tensor(seed, backend="numpy"))
        np.testing.assert_array_equal(y.grad.numpy(), expected)


def test_assign_forgets_the_history(on_scalars):
    """Otherwise a weight would remember the whole training."""
    w = tc.tensor([1.0, 2.0])
    for _ in range(3):
        w.assign(w * 2)
    assert w.tolist() == [8.0, 16.0]
    assert [number.parents for number in w.array] == [(), ()]


def test_copies_begin_a_history_of_their_own(on_scalars):
    x = tc.tensor([1.0, 2.0])
    y = x * x
    assert tc.tensor(y).array[0].parents == ()
    assert tc.tensor(y).dtype is tc.float32
    assert y.detach().array is y.array


def test_dtypes_are_names_here_and_numbers_are_floats(on_scalars):
    third = tc.tensor(1.0) / 3
    assert third.dtype is tc.float32
    assert third.item() == 1 / 3  # not rounded to 24 bits
    assert third.to("float64").dtype is tc.float64
    assert tc.tensor(np.ones(2, dtype="float32")).dtype is tc.float32


def losses_of_training(backend):
    generator = np.random.default_rng(3)
    with tc.use_backend(backend):
        model = tc.nn.Sequential(tc.nn.Linear(2, 4), tc.nn.Tanh(), tc.nn.Linear(4, 1)).to("float64")
        for parameter in model.parameters():
            parameter.assign(tc.tensor(generator.standard_normal(parameter.shape)))
        optimizer = tc.optim.Adam(model.parameters(), lr=0.1)
        x = tc.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], dtype="float64")
        y = tc.tensor([[0.0], [1.0], [1.0], [0.0]], dtype="float64")
        losses = []
        for _ in range(5):
            optimizer.zero_grad()
            loss = tc.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


def test_layers_and_optimizers_run_on_single_numbers():
    np.testing.assert_allclose(losses_of_training("scalar"), losses_of_training("numpy"), rtol=1e-12)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x**2.0,
        lambda x: x / 0.0,
        lambda x: x.log(),
        lambda x: x.sqrt(),
        lambda x: (1e3 * x).abs().exp(),
        lambda x: x > float("nan"),
    ],
)
def test_arithmetic_without_warnings(on_scalars, function):
    """Warnings are errors in these tests."""
    assert function(tc.tensor([-2.0, 0.0, float("nan")])).shape == (3,)
