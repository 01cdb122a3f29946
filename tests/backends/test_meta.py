"""The meta backend: shapes and dtypes of everything, values of nothing."""

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentTypeError, DataDependentShape, ShapeError


@pytest.fixture(autouse=True)
def on_meta():
    with tc.use_backend("meta"):
        yield


def test_a_tensor_larger_than_any_memory():
    huge = tc.zeros(10**6, 10**6, 10**6)
    assert (huge @ huge.mT).shape == (10**6, 10**6, 10**6)
    assert (huge + 1.0).sum().shape == ()


def test_data_gives_shape_and_dtype():
    assert tc.tensor([[1.0, 2.0]]).shape == (1, 2)
    assert tc.tensor([1, 2.5]).dtype is tc.float32
    assert tc.tensor([1, 2]).dtype is tc.int64
    assert tc.tensor([True]).dtype is tc.bool
    with pytest.raises(ArgumentTypeError, match="does not make a tensor"):
        tc.tensor([[1], [2, 3]])


def test_shape_errors_come_as_from_any_backend():
    with pytest.raises(ShapeError, match="rows of length 3 meet columns of length 2"):
        tc.zeros(2, 3) @ tc.zeros(2, 3)


def test_gradients_have_shapes_too():
    weight = tc.zeros(4, 3, requires_grad=True)
    (tc.zeros(5, 4) @ weight).sum().backward()
    assert weight.grad.shape == (4, 3)


@pytest.mark.parametrize(
    "ask",
    [
        lambda t: t.item(),
        lambda t: t.numpy(),
        lambda t: t.tolist(),
        lambda t: bool(t),
        lambda t: tc.nonzero(t),
        lambda t: t[t > 0],
    ],
)
def test_asking_for_values_is_an_error(ask):
    with pytest.raises(DataDependentShape, match="values"):
        ask(tc.ones(1))


def test_moving_there_works_and_back_does_not():
    value = tc.tensor([1.0, 2.0], backend="numpy")
    assert value.to("meta").shape == (2,)
    with pytest.raises(DataDependentShape, match="values"):
        tc.zeros(2, 2).to("numpy")
