"""Acceptance cases 1 to 16: what a trusted engine does at the corners of a graph."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import (
    ArgumentTypeError,
    DTypeError,
    GradientError,
    ImmutableError,
    ReleasedGraphError,
    StaleValueError,
)


def leaf(*data, dtype=None, name=None):
    return tc.tensor(*data, dtype=dtype, requires_grad=True, name=name)


def test_case_01_gradients_have_their_inputs_shapes():
    x, y = leaf([[1.0], [2.0], [3.0]]), leaf([1.0, 2.0, 3.0, 4.0])
    (x * y).sum().backward()
    assert x.grad.tolist() == [[10.0], [10.0], [10.0]]
    assert y.grad.tolist() == [6.0, 6.0, 6.0, 6.0]
    scalar, matrix = leaf(2.0), leaf([[1.0, 2.0], [3.0, 4.0]])
    (scalar * matrix).sum().backward()
    assert scalar.grad.shape == ()
    assert scalar.grad.item() == 10.0
    assert matrix.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]


def test_case_02_a_fan_out_adds_up():
    a = leaf(1.0)
    b = a + a
    c = b + b
    c.backward()
    assert a.grad.item() == 4.0


def test_case_03_gradients_never_share_memory():
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    z = x + y
    (z / 2 + z).sum().backward()
    assert x.grad.tolist() == y.grad.tolist() == [1.5, 1.5]
    assert not np.shares_memory(x.grad.array, y.grad.array)
    x.grad.assign([0.0, 0.0])
    assert y.grad.tolist() == [1.5, 1.5]


def test_case_04_the_seed_is_neither_changed_nor_kept():
    x = leaf([1.0, 2.0])
    seed = tc.tensor([10.0, 20.0])
    alive = weakref.ref(seed)
    (x + 0.0).backward(seed)
    (x + 0.0).backward(seed)
    assert seed.tolist() == [10.0, 20.0]
    assert x.grad.tolist() == [20.0, 40.0]
    assert not np.shares_memory(x.grad.array, seed.array)
    del seed
    assert alive() is None


def test_case_05_deep_chain():
    x = leaf(0.0)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    assert y.item() == 100_000.0
    y.backward(retain_graph=True)  # a graph that is kept is also freed without recursion
    assert x.grad.item() == 1.0
    node = weakref.ref(y.node)
    del y
    assert node() is None


def test_case_06_everything_is_freed_without_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        w = leaf(np.ones((3, 3)))
        loss = ((w @ w).relu().sum(0).softmax(0) * tc.arange(3)).sum()
        nodes, stack = [], [loss.node]
        while stack:
            node = stack.pop()
            nodes.append(weakref.ref(node))
            stack.extend(parent for parent, _ in node.inputs)
        del node
        loss.backward(retain_graph=True)
        del loss
        assert [node() for node in nodes if node() not in (None, w.node)] == []
        w.grad = None
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("create_graph", [False, True])
def test_case_06_gradients_of_gradients_make_no_cycles_either(create_graph):
    gc.collect()
    gc.disable()
    try:
        x = leaf([1.0, 2.0])
        (slope,) = tc.grad((x**3).sum(), x, create_graph=create_graph)
        if create_graph:
            tc.grad(slope.sum(), x)
        del slope
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_case_07_a_second_backward():
    x = leaf([2.0, 3.0])
    y = (x * x).sum()
    y.backward()
    with pytest.raises(ReleasedGraphError, match="retain_graph=True"):
        y.backward()
    assert x.grad.tolist() == [4.0, 6.0]
    kept = leaf([2.0, 3.0])
    y = (kept * kept).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert kept.grad.tolist() == [8.0, 12.0]


def test_case_07_a_released_part_of_a_graph_is_noticed_too():
    x = leaf(2.0)
    shared = x * x
    (shared * 2.0).backward()
    with pytest.raises(ReleasedGraphError, match="mul"):
        (shared * 3.0).backward()


def test_case_08_roots_that_cannot_be_walked_from():
    x = leaf([1.0, 2.0])
    with pytest.raises(GradientError, match="only a scalar") as caught:
        (x * 2.0).backward()
    assert caught.value.got == "shape (2,)"
    with pytest.raises(GradientError, match="not computed from anything"):
        tc.tensor(1.0).backward()
    with pytest.raises(GradientError, match="looks like its output") as caught:
        (x * 2.0).backward(tc.ones(3))
    assert "(3,)" in caught.value.got
    with pytest.raises(GradientError, match="looks like its output"):
        (x * 2.0).backward(tc.ones(2, dtype="float64"))
    with pytest.raises(ArgumentTypeError, match="must be a tensor"):
        (x * 2.0).backward(np.ones(2))
    assert x.grad is None


def test_case_09_a_saved_value_changed_before_backward():
    w = leaf([1.0, 2.0], name="w")
    y = (w * w).sum()  # this line is named
    w.assign([5.0, 6.0])
    with pytest.raises(StaleValueError, match="changed by assign") as caught:
        y.backward()
    assert "mul" in str(caught.value)
    assert "this line is named" in str(caught.value)
    assert w.grad is None


def test_case_09_views_share_the_version_of_their_memory():
    w = leaf([[1.0, 2.0], [3.0, 4.0]])
    part = w[0]
    y = (part * part).sum()
    w.assign(tc.zeros(2, 2))
    with pytest.raises(StaleValueError):
        y.backward()


def test_case_09_a_value_that_no_rule_needs_may_change():
    w = leaf([1.0, 2.0])
    y = (w * 3.0).sum()
    w.assign([5.0, 6.0])
    y.backward()
    assert w.grad.tolist() == [3.0, 3.0]


# --- 10: no_grad ----------------------------------------------------------------------------------


def test_case_10_no_grad_nests():
    x = leaf(2.0)
    with tc.no_grad():
        with tc.enable_grad():
            assert (x * x).requires_grad
            with tc.no_grad():
                assert not (x * x).requires_grad
        assert not (x * x).requires_grad
    assert (x * x).requires_grad


def test_case_10_no_grad_decorates_and_recurses():
    x = leaf(2.0)

    @tc.no_grad()
    def power(n):
        return x if n == 1 else x * power(n - 1)

    assert not power(3).requires_grad
    assert power(3).item() == 8.0
    assert tc.is_grad_enabled()


def test_case_10_no_grad_ends_with_an_exception():
    with pytest.raises(ZeroDivisionError), tc.no_grad():
        raise ZeroDivisionError
    assert tc.is_grad_enabled()


def test_case_10_no_grad_is_per_thread():
    inside, seen = threading.Event(), []

    def other():
        inside.wait()
        seen.append(tc.is_grad_enabled())

    thread = threading.Thread(target=other)
    thread.start()
    with tc.no_grad():
        inside.set()
        thread.join()
    assert seen == [True]


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_case_11_only_floats_require_gradients(dtype):
    with pytest.raises(DTypeError, match="floating") as caught:
        tc.tensor([1, 0], dtype=dtype, requires_grad=True)
    assert caught.value.argument == "requires_grad"


def test_case_12_an_unreached_leaf_has_no_gradient():
    x, unused = leaf(2.0), leaf(3.0)
    (x * 2.0).backward()
    assert unused.grad is None
    assert tc.grad(x * 2.0, [unused, x]) == (None, pytest.approx(2.0))


def test_case_13_equality_is_elementwise_and_hash_is_identity():
    a, b = tc.tensor([1.0, 2.0]), tc.tensor([1.0, 3.0])
    assert (a == b).tolist() == [True, False]
    assert (a != b).tolist() == [False, True]
    assert len({a, b, a}) == 2
    assert hash(a) != hash(tc.tensor([1.0, 2.0]))
    assert (a == None) is False  # noqa: E711 - a question Python may ask
    with pytest.raises(tc.errors.ArgumentError, match="ambiguous"):
        bool(a == b)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t)), copy.copy])
def test_case_14_leaves_are_copied(clone):
    w = leaf([1.0, 2.0], name="w")
    (w * 2.0).sum().backward()
    twin = clone(w)
    assert twin.tolist() == [1.0, 2.0]
    assert (twin.requires_grad, twin.name, twin.is_leaf) == (True, "w", True)
    assert not np.shares_memory(twin.array, w.array)


def test_case_14_a_pickled_leaf_comes_back_to_a_backend_with_the_same_options():
    w = tc.tensor([1.0], backend=tc.get_backend("numpy", overrides=False))
    assert pickle.loads(pickle.dumps(w)).backend is w.backend


def test_case_14_a_deep_copy_of_a_structure_copies_a_shared_leaf_once():
    w = leaf([1.0])
    first, second = copy.deepcopy([w, w])
    assert first is second
    assert first is not w


@pytest.mark.parametrize("clone", [copy.deepcopy, pickle.dumps])
def test_case_14_results_are_not_copied(clone):
    y = leaf([1.0]) * 2.0
    with pytest.raises(GradientError, match=r"detach\(\)"):
        clone(y)


def test_case_15_numpy_hands_over():
    t = leaf([1.0, 2.0], dtype="float64")
    array = np.array([3.0, 4.0])
    for result, expected in [
        (array * t, [3.0, 8.0]),
        (np.float64(2) * t, [2.0, 4.0]),
        (array - t, [2.0, 2.0]),
        (array @ t, 11.0),
        (t @ array, 11.0),
        (np.eye(2) @ t, [1.0, 2.0]),
    ]:
        assert type(result) is tc.Tensor
        assert result.requires_grad
        assert result.tolist() == expected
    with pytest.raises(TypeError):
        array += t
    with pytest.raises(ImmutableError, match="assign"):
        t[0] = 1.0
    with pytest.raises(ImmutableError, match="in place"):
        t += 1.0


def test_case_16_curvature():
    x = leaf([1.0, -2.0], dtype="float64")
    (slope,) = tc.grad((x**3).sum(), x, create_graph=True)
    (curvature,) = tc.grad(slope.sum(), x, create_graph=True)
    (third,) = tc.grad(curvature.sum(), x)
    assert slope.tolist() == [3.0, 12.0]
    assert curvature.tolist() == [6.0, -12.0]
    assert third.tolist() == [6.0, 6.0]
