"""What operations refuse: one typed error that names the operation, the argument and the user's line.

Nothing is silently broadcast, cast, cut or skipped.
"""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.errors import (
    ArgumentError,
    ArgumentTypeError,
    DimensionError,
    DTypeError,
    IndexingError,
    LabelError,
    ShapeError,
)
from tinygrad_cnn.testing.samples import cases, tensors

X = tc.zeros(2, 3)
WIDE = tc.zeros(2, 3, dtype="float64")
WHOLE = tc.arange(6).reshape(2, 3)
MASK = WHOLE > 2
VECTOR, EMPTY = tc.zeros(3), tc.zeros(0)

REFUSED = {
    # shapes
    "add": (lambda: tc.add(X, tc.zeros(2)), ShapeError, "x and y"),
    "where": (lambda: tc.where(MASK, X, tc.zeros(4)), ShapeError, "condition and x and y"),
    "matmul": (lambda: tc.matmul(X, X), ShapeError, "y"),
    "matmul with a scalar": (lambda: X @ 3.0, ShapeError, "y"),
    "outer": (lambda: tc.outer(VECTOR, X), ShapeError, "y"),
    "reshape": (lambda: X.reshape(4, 2), ShapeError, "shape"),
    "reshape with two unknowns": (lambda: X.reshape(-1, -1), ShapeError, "shape"),
    "expand": (lambda: X.expand(4, 3), ShapeError, "shape"),
    "expand to fewer dimensions": (lambda: X.expand(3), ShapeError, "shape"),
    "broadcast_to": (lambda: tc.broadcast_to(X, (-1, 3)), ShapeError, "shape"),
    "cat": (lambda: tc.cat([X, tc.zeros(2, 2)]), ShapeError, "tensors[1]"),
    "cat of scalars": (lambda: tc.cat([X.sum(), X.sum()]), ShapeError, "tensors"),
    "cat of one tensor": (lambda: tc.cat(X), ArgumentTypeError, "tensors"),
    "cat of numbers": (lambda: tc.cat([X, 1.0]), ArgumentTypeError, "tensors[1]"),
    "stack": (lambda: tc.stack([X, VECTOR]), ShapeError, "tensors[1]"),
    "stack of nothing": (lambda: tc.stack([]), ArgumentTypeError, "tensors"),
    "split": (lambda: X.split([1, 2], dim=0), ShapeError, "split_size"),
    "split of size 0": (lambda: X.split(0), ArgumentError, "split_size"),
    "chunk": (lambda: X.chunk(0), ArgumentError, "chunks"),
    "gather": (lambda: X.gather(tc.tensor([[0], [0], [0]]), 1), ShapeError, "index"),
    "scatter_add": (lambda: X.scatter_add(WHOLE, tc.zeros(2, 2), 0), ShapeError, "src"),
    "take_along_dim": (lambda: tc.take_along_dim(X, tc.tensor([0]), 0), ShapeError, "indices"),
    "max of nothing": (lambda: EMPTY.max(), ShapeError, "x"),
    "argmin of nothing": (lambda: tc.zeros(2, 0).argmin(1), ShapeError, "x"),
    # dtypes
    "sub of bools": (lambda: MASK - MASK, DTypeError, "x"),
    "neg of bools": (lambda: -MASK, DTypeError, "x"),
    "mean of integers": (lambda: WHOLE.mean(), DTypeError, "x"),
    "var of integers": (lambda: WHOLE.var(), DTypeError, "x"),
    "softmax of integers": (lambda: tc.softmax(WHOLE, 0), DTypeError, "x"),
    "log_softmax of integers": (lambda: tc.log_softmax(WHOLE, 0), DTypeError, "x"),
    "matmul of two dtypes": (lambda: X @ WIDE.T, DTypeError, "y"),
    "cat of two dtypes": (lambda: tc.cat([X, WIDE]), DTypeError, "tensors[1]"),
    "where without bools": (lambda: tc.where(X, X, X), DTypeError, "condition"),
    "gather by floats": (lambda: X.gather(X, 0), DTypeError, "index"),
    "one_hot of floats": (lambda: tc.one_hot(VECTOR, 3), DTypeError, "labels"),
    "index by floats": (lambda: X[tc.tensor([0.5])], DTypeError, "index"),
    "random integers": (lambda: tc.rand(3, dtype="int64"), DTypeError, "dtype"),
    "an unknown dtype": (lambda: tc.zeros(3, dtype="complex64"), DTypeError, "dtype"),
    # dimensions
    "sum": (lambda: X.sum(2), DimensionError, "dim"),
    "sum twice": (lambda: X.sum((0, -2)), DimensionError, "dim"),
    "sum of a scalar": (lambda: X.sum().sum(1), DimensionError, "dim"),
    "sum by name": (lambda: X.sum("rows"), ArgumentTypeError, "dim"),
    "prod": (lambda: X.prod(-3), DimensionError, "dim"),
    "softmax": (lambda: X.softmax(2), DimensionError, "dim"),
    "flip": (lambda: X.flip(2), DimensionError, "dims"),
    "permute": (lambda: X.permute(0, 0), DimensionError, "dims"),
    "permute too few": (lambda: X.permute(0), DimensionError, "dims"),
    "transpose": (lambda: X.transpose(0, 2), DimensionError, "dim1"),
    "squeeze": (lambda: X.squeeze(2), DimensionError, "dim"),
    "unsqueeze": (lambda: X.unsqueeze(4), DimensionError, "dim"),
    "flatten": (lambda: X.flatten(1, 0), DimensionError, "start_dim"),
    "sort": (lambda: X.sort(2), DimensionError, "dim"),
    "argsort": (lambda: X.argsort(2), DimensionError, "dim"),
    "unbind": (lambda: X.unbind(2), DimensionError, "dim"),
    # values of parameters
    "topk": (lambda: X.topk(4), ArgumentError, "k"),
    "clamp": (lambda: X.clamp(), ArgumentError, "min"),
    "clamp by text": (lambda: X.clamp(max="1"), ArgumentTypeError, "max"),
    "norm": (lambda: X.norm(0), ArgumentTypeError, "p"),
    "var": (lambda: X.var(correction=0.5), ArgumentTypeError, "correction"),
    "arange": (lambda: tc.arange(0, 5, 0), ArgumentError, "step"),
    "arange by text": (lambda: tc.arange("5"), ArgumentTypeError, "end"),
    "full": (lambda: tc.full((2,), "1"), ArgumentTypeError, "fill_value"),
    "full of no size": (lambda: tc.full((2.0,), 1), ArgumentTypeError, "shape"),
    "zeros": (lambda: tc.zeros(-1), ShapeError, "shape"),
    "eye": (lambda: tc.eye(2.5), ArgumentTypeError, "n"),
    "one_hot": (lambda: tc.one_hot(tc.tensor([0]), 0), ArgumentError, "num_classes"),
    "one_hot of a label": (lambda: tc.one_hot(tc.tensor([0, 3]), 3), LabelError, "target"),
    "pow": (lambda: tc.arange(3) ** -1, ArgumentError, "y"),
    "gather outside": (lambda: X.gather(tc.tensor([[3]]), 1), IndexingError, "index"),
    "gather below": (lambda: X.gather(tc.tensor([[-1]]), 1), IndexingError, "index"),
    "index": (lambda: X[2], IndexingError, "index"),
    # how it is called
    "a missing input": (lambda: tc.add(X), ArgumentTypeError, "y"),
    "an unknown parameter": (lambda: X.sum(axis=0), ArgumentTypeError, "axis"),
    "a missing parameter": (lambda: X.gather(WHOLE), ArgumentTypeError, "dim"),
    "text": (lambda: X + "1", ArgumentTypeError, "y"),
    "nothing": (lambda: tc.exp(None), ArgumentTypeError, "x"),
    "a number that does not fit": (lambda: tc.tensor([1], dtype="uint8") + 300, ArgumentTypeError, "y"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, kind, argument = REFUSED[name]
    with pytest.raises(kind) as caught:
        call()
    error = caught.value
    assert error.argument == argument
    assert str(error.where).startswith("test_errors.py:")
    assert error.got is not None or error.expected is not None or error.hint is not None


# --- every operation that meets two tensors, or one tensor and its parameters -----------------------


def inputs_of(case):
    return [value.detach() for value in tensors(case, "numpy")]


# Only gradient rules call these, with what the forward pass has checked already.
OF_GRADIENT_RULES = {
    "batch_norm_grad",
    "conv_input_grad",
    "conv_weight_grad",
    "max_pool_gather",
    "max_pool_scatter",
}
# The mean of the losses that count takes any two shapes.
ANY_SHAPES = {"ratio_of_sums"}
SEVERAL_INPUTS = [
    case
    for case in cases()
    if case.number == 0
    and len(case.op.input_names) > 1
    and not case.op.variadic
    and case.op.name not in OF_GRADIENT_RULES
]


@pytest.mark.parametrize("case", [c for c in SEVERAL_INPUTS if c.op.name not in ANY_SHAPES], ids=str)
def test_shapes_that_do_not_fit(case):
    """The last input gets dimensions that nothing fits to."""
    inputs = inputs_of(case)
    inputs[-1] = tc.zeros(7, 2, 7, dtype=inputs[-1].dtype)
    with pytest.raises(ShapeError) as caught:
        case.op(*inputs, **case.sample.params)
    assert caught.value.op == case.op.name
    assert caught.value.argument
    assert str(caught.value.where).startswith("test_errors.py:")


SEVERAL_REALS = [
    case
    for case in SEVERAL_INPUTS
    if case.op.promotes is None and len([draw for draw in case.sample.inputs if draw.kind == "reals"]) > 1
]


@pytest.mark.parametrize("case", SEVERAL_REALS, ids=str)
def test_two_floating_dtypes_do_not_mix(case):
    inputs = inputs_of(case)
    last = max(number for number, value in enumerate(inputs) if value.dtype.is_floating)
    inputs[last] = inputs[last].to("float32")
    with pytest.raises((DTypeError, ShapeError)) as caught:
        case.op(*inputs, **case.sample.params)
    assert caught.value.op == case.op.name


def test_a_failed_operation_leaves_nothing_behind():
    x = tc.tensor(np.ones((2, 3)), requires_grad=True)
    y = x * 2.0
    with pytest.raises(ShapeError):
        y @ y
    y.sum().backward()
    assert x.grad.tolist() == [[2.0] * 3] * 2


@pytest.mark.parametrize("name", ["conv", "max_pool", "batch_norm", "softmax_cross_entropy"])
def test_layers_name_what_they_were_given(name):
    case = next(case for case in cases(REGISTRY[name]))
    inputs = inputs_of(case)
    inputs[0] = inputs[0][0]
    with pytest.raises((ShapeError, DimensionError)) as caught:
        case.op(*inputs, **case.sample.params)
    assert caught.value.op == name
