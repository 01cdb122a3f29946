"""Tensors: what they are made of, what they show, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import (
    ArgumentError,
    ArgumentTypeError,
    DTypeError,
    GradientError,
    ImmutableError,
    ShapeError,
)
from tinygrad_cnn.ops import normalize


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (1.5, tc.float32, ()),
        (1, tc.int64, ()),
        (True, tc.bool, ()),
        ([[1.0, 2.0]], tc.float32, (1, 2)),
        ([1, 2.5], tc.float32, (2,)),
        ([], tc.float32, (0,)),
        (np.zeros((2, 0)), tc.float64, (2, 0)),
        (np.float64(2), tc.float64, ()),
        (np.arange(3, dtype=np.uint8), tc.uint8, (3,)),
    ],
)
def test_data_becomes_a_tensor(data, dtype, shape):
    t = tc.tensor(data)
    assert (t.dtype, t.shape, t.ndim, t.numel()) == (dtype, shape, len(shape), int(np.prod(shape)))
    assert t.size() == shape


@pytest.mark.parametrize("data", [[[1.0], [1.0, 2.0]], "abc", [object()], None, {"a": 1}])
def test_data_that_makes_no_tensor(data):
    with pytest.raises((ArgumentTypeError, DTypeError)) as caught:
        tc.tensor(data)
    assert "test_tensor.py" in str(caught.value)


def test_a_tensor_copies_its_data():
    data = np.ones(3)
    t = tc.tensor(data)
    data[:] = 7.0
    assert t.tolist() == [1.0, 1.0, 1.0]
    twin = tc.tensor(t)
    twin.assign([5.0, 5.0, 5.0])
    assert t.tolist() == [1.0, 1.0, 1.0]


def test_numpy_is_a_read_only_view():
    t = tc.tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        t.numpy()[0] = 5.0
    copied = np.array(t)
    copied[0] = 5.0
    assert t.tolist() == [1.0, 2.0]
    assert np.asarray(t, dtype=np.float64).dtype == np.float64


def test_one_element_becomes_a_python_number():
    assert tc.tensor([[2.5]]).item() == 2.5
    assert float(tc.tensor(2.5)) == 2.5
    assert int(tc.tensor(2)) == 2
    assert [10, 20, 30][tc.tensor(1)] == 20
    assert f"{tc.tensor(3.14159):.2f}" == "3.14"
    assert bool(tc.tensor(0.0)) is False
    with pytest.raises(ArgumentError, match="exactly one element"):
        tc.zeros(2).item()
    with pytest.raises(ArgumentTypeError, match="only a 0-d integer"):
        [1, 2][tc.tensor(1.0)]


def test_length_and_iteration():
    t = tc.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert len(t) == 2
    assert [row.tolist() for row in t] == [[1.0, 2.0], [3.0, 4.0]]
    for function in (len, iter):
        with pytest.raises(ArgumentTypeError, match="0-d"):
            function(tc.tensor(1.0))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (lambda: tc.tensor([1.0, 2.5]), "tensor([1. , 2.5])"),
        (lambda: tc.tensor([1, 2]), "tensor([1, 2])"),
        (lambda: tc.tensor(1.0, dtype="float64"), "tensor(1., dtype=float64)"),
        (lambda: tc.tensor(1.0, requires_grad=True, name="w"), "tensor(1., requires_grad=True, name='w')"),
        (lambda: tc.tensor(1.0, requires_grad=True) * 2.0, "tensor(2., from=mul)"),
        (lambda: tc.zeros(2, 3, backend="meta"), "tensor(shape=(2, 3), backend=meta)"),
    ],
)
def test_how_it_looks(value, text):
    assert repr(value()) == text


# --- assign ---------------------------------------------------------------------------------------


def test_assign_writes_into_the_memory_and_counts_versions():
    w = tc.zeros(2, 3)
    row = w[1]
    assert w.assign(tc.ones(2, 3)) is w
    assert row.tolist() == [1.0, 1.0, 1.0]
    assert w.storage.version == 1
    assert row.storage is w.storage


def test_what_assign_refuses():
    w = tc.zeros(2, 3)
    with pytest.raises(ShapeError, match="not stretched"):
        w.assign(tc.ones(3))
    with pytest.raises(DTypeError, match="not converted"):
        w.assign(tc.ones(2, 3, dtype="float64"))
    with pytest.raises(ImmutableError, match="only a leaf"):
        (tc.ones(2, requires_grad=True) * 2.0).assign([1.0, 1.0])
    assert w.tolist() == [[0.0] * 3] * 2
    assert w.storage.version == 0


def test_assign_is_not_differentiated_through():
    w, source = tc.zeros(2, requires_grad=True), tc.ones(2, requires_grad=True)
    w.assign(source * 2.0)
    (w * w).sum().backward()
    assert w.grad.tolist() == [4.0, 4.0]
    assert source.grad is None
    assert w.is_leaf


# --- gradients wanted or not ----------------------------------------------------------------------


def test_requires_grad_can_be_switched_on_leaves_only():
    x = tc.tensor([1.0])
    x.requires_grad = True
    y = x * 2.0
    assert y.requires_grad_() is y
    with pytest.raises(GradientError, match=r"detach\(\)"):
        y.requires_grad_(False)
    with pytest.raises(DTypeError):
        tc.arange(3).requires_grad_()


def test_results_without_a_rule_require_no_gradient():
    x = tc.tensor([1.0, -2.0], requires_grad=True)
    for value in (x > 0, x.floor(), x.argmax(), x.sort()[1], x.isnan(), x.to("int64")):
        assert not value.requires_grad
    assert x.sort()[0].requires_grad


def test_detach_shares_memory_but_not_the_graph():
    x = tc.tensor([1.0, 2.0], requires_grad=True)
    cut = (x * 2.0).detach()
    assert cut.is_leaf
    assert not cut.requires_grad
    assert np.shares_memory(x.detach().array, x.array)


def test_subclasses_are_copied_as_what_they_are():
    class Parameter(tc.Tensor):
        pass

    plain = tc.tensor([1.0])
    p = Parameter(plain.array, plain.shape, plain.dtype, plain.backend)
    import copy

    assert type(copy.deepcopy(p)) is Parameter
    assert type(p * 2.0) is tc.Tensor


# --- moving ---------------------------------------------------------------------------------------


def test_to_another_dtype_is_differentiable():
    x = tc.tensor([1.5, 2.5], requires_grad=True)
    y = x.to("float64")
    assert y.dtype is tc.float64
    (y * y).sum().backward()
    assert x.grad.dtype is tc.float32
    assert x.grad.tolist() == [3.0, 5.0]
    assert x.to("int64").tolist() == [1, 2]
    assert x.to(tc.float32) is x


def test_to_another_backend_moves_leaves():
    x = tc.tensor([1.0, 2.0], requires_grad=True, name="x")
    moved = x.to("meta")
    assert (moved.backend.name, moved.shape, moved.requires_grad, moved.name) == ("meta", (2,), True, "x")
    assert x.to("numpy") is x
    with pytest.raises(GradientError, match="only leaves move"):
        (x * 2.0).to("meta")


def test_host_data_becomes_a_constant_on_the_tensors_backend():
    x = tc.zeros(2, backend="meta")
    assert (x + np.ones(2, dtype=np.float32)).backend is x.backend
    assert (2.0 * x).shape == (2,)
    assert tc.add(x, [1.0, 2.0]).shape == (2,)


def test_a_result_of_constants_is_a_leaf_also_while_recording():
    with tc.record():
        start = tc.tensor([1.0, 2.0]) * 2
        start.assign(start + 1)
        start.requires_grad_()
        (start * start).sum().backward()
    assert start.is_leaf
    assert start.grad.tolist() == [6.0, 10.0]


def test_a_statistic_of_a_batch_is_state_like_any_other():
    x = tc.tensor([[1.0], [3.0]], requires_grad=True)
    _, mean, _ = normalize.batch_norm(x, tc.ones(1), tc.zeros(1), eps=1e-5)
    assert mean.is_leaf
    assert mean.assign([5.0]).item() == 5.0
