"""Forward: what holds for all results, in whatever order the numbers lie in memory."""

from __future__ import annotations

import ml_dtypes  # noqa: F401 - makes bfloat16 one of NumPy's dtypes
import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.dtypes import DTYPES, Spec
from tinygrad_cnn.testing.references import REFERENCES
from tinygrad_cnn.testing.samples import arrays, cases, tensors

CASES = cases()
each_case = pytest.mark.parametrize("case", CASES, ids=str)
# assign exists to write into its first input.
each_pure_case = pytest.mark.parametrize("case", [case for case in CASES if not case.op.mutates], ids=str)


def as_tuple(results):
    return results if isinstance(results, tuple) else (results,)


def call(case, inputs):
    """The public outputs, the way a user gets them."""
    return as_tuple(case.op(*inputs, **case.sample.params))


@each_case
def test_meta_knows_the_same_shapes(case, backend):
    on_meta = call(case, tensors(case, "meta"))
    on_numpy = call(case, tensors(case, backend))
    assert [Spec(t.shape, t.dtype) for t in on_meta] == [Spec(t.shape, t.dtype) for t in on_numpy]
    assert [t.requires_grad for t in on_meta] == [t.requires_grad for t in on_numpy]


def shares_memory(result, inputs):
    return any(np.shares_memory(result.array, value.array) for value in inputs)


@each_case
def test_results_share_no_memory_unless_they_are_views(case, backend):
    inputs = tensors(case, backend)
    results = call(case, inputs)
    if case.op.view or case.op.mutates:
        assert results[0].storage is inputs[0].storage
    else:
        for result in results:
            assert not shares_memory(result, inputs)
            assert result.storage not in [value.storage for value in inputs]


@each_pure_case
def test_inputs_are_never_written(case, backend):
    inputs = tensors(case, backend)
    for value in inputs:
        value.array.flags.writeable = False
    before = [value.numpy().copy() for value in inputs]
    call(case, inputs)
    for value, old in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(value.numpy(), old)


# --- CASES 27: the order of the numbers in memory means nothing -----------------------------------


def fortran(array):
    return np.asfortranarray(array)


def reversed_in_memory(array):
    return np.flip(np.flip(array).copy())


def every_other(array):
    wide = np.repeat(array[..., None], 2, axis=-1)
    return wide[..., 0]


def stride_zero(array):
    """The first element of the last dimension everywhere, without the memory for it."""
    return np.broadcast_to(array[..., :1], array.shape) if array.ndim else array


LAYOUTS = [fortran, reversed_in_memory, every_other, stride_zero]


def with_array(value, array):
    """A leaf around an array as it lies in memory (tc.tensor would make it contiguous)."""
    return tc.Tensor(array, value.shape, value.dtype, value.backend)


@pytest.mark.parametrize("layout", LAYOUTS)
@each_pure_case
def test_case_27_layout_does_not_matter(case, backend, layout):
    contiguous = tensors(case, backend, requires_grad=False)
    strided = [with_array(value, layout(value.array)) for value in contiguous]
    plain = [with_array(value, np.ascontiguousarray(layout(value.array))) for value in contiguous]
    plain = [with_array(value, value.array.reshape(value.shape)) for value in plain]
    for got, expected in zip(call(case, strided), call(case, plain), strict=True):
        np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-13, atol=1e-13)


# --- nothing in, nothing (or the neutral element) out ---------------------------------------------

EMPTY_FIRST = ["conv", "max_pool", "sum_pool", "batch_norm", "log_softmax", "matmul", "gather", "sort"]


@pytest.mark.parametrize("name", EMPTY_FIRST)
def test_an_empty_batch_gives_an_empty_result(name, backend):
    case = next(case for case in CASES if case.op.name == name and case.sample.params.get("dim", 1) != 0)
    inputs = [value.detach() for value in tensors(case, backend)]
    batched = 2 if name == "gather" else 1
    inputs[:batched] = [value[:0] for value in inputs[:batched]]
    result = call(case, inputs)[0]
    assert result.shape[0] == 0
    assert result.numpy().shape == result.shape


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["add", "mul", "maximum", "sum", "reshape", "sort", "eq", "cat"])
def test_every_dtype_goes_through(name, dtype, backend):
    case = next(case for case in CASES if case.op.name == name and 0 not in case.sample.inputs[0].shape)
    values = [(np.abs(array) * 3).astype(dtype) for array in arrays(case)]
    inputs = [tc.tensor(value) for value in values]
    result = call(case, inputs)[0]
    assert result.numpy().dtype.name == result.dtype.name
    params = {**case.op.defaults, **case.sample.params}
    if dtype == "bool" and name in ("add", "mul"):
        expected = values[0] | values[1] if name == "add" else values[0] & values[1]
        np.testing.assert_array_equal(result.numpy(), expected)
    else:
        expected = as_tuple(REFERENCES[name](*values, **params))[0]
        if DTYPES[dtype].is_narrow:  # the loops do not round; results are rounded once
            expected = expected.astype(result.numpy().dtype)
        np.testing.assert_allclose(result.numpy().astype(float), expected.astype(float), rtol=1e-6)
