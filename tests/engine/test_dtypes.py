"""The rules about dtypes and shapes, which know nothing of arrays."""

from __future__ import annotations

import copy
import pickle

import ml_dtypes  # noqa: F401 - makes bfloat16 one of NumPy's dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
from tinygrad_cnn.dtypes import DTYPES, Spec, as_dtype, broadcast, normalize_dims, promote, reduced_shape
from tinygrad_cnn.errors import ArgumentTypeError, DimensionError, DTypeError, ShapeError
from tinygrad_cnn.testing.strategies import broadcastable_shapes, dims, shapes


@pytest.mark.parametrize("name", DTYPES)
def test_every_spelling_of_a_dtype(name):
    dtype = DTYPES[name]
    for spelling in (dtype, name, np.dtype(name), np.dtype(name).type):
        assert as_dtype(spelling) is dtype
    assert pickle.loads(pickle.dumps(dtype)) is copy.deepcopy(dtype) is dtype
    assert str(dtype) == name
    assert dtype.itemsize == np.dtype(name).itemsize


@pytest.mark.parametrize("value", ["float8", "complex64", object(), None, 3])
def test_what_is_no_dtype(value):
    with pytest.raises(DTypeError, match="not a dtype"):
        as_dtype(value)


@pytest.mark.parametrize("first", DTYPES)
@pytest.mark.parametrize("second", DTYPES)
def test_promotion_is_symmetric_and_holds_both(first, second):
    x, y = Spec((2,), DTYPES[first]), Spec((2,), DTYPES[second])
    result = promote(x, y)
    assert result is promote(y, x)
    if x.dtype.kind == y.dtype.kind:
        assert np.can_cast(first, result.name)
        assert np.can_cast(second, result.name)
    else:
        ranks = ["bool", "integer", "floating"]
        assert result.kind == max(x.dtype.kind, y.dtype.kind, key=ranks.index)


def test_a_scalar_counts_only_when_its_kind_is_higher():
    vector, scalar = Spec((2,), tc.float32), Spec((), tc.float64)
    assert promote(vector, scalar) is tc.float32
    assert promote(Spec((2,), tc.int64), scalar) is tc.float64
    assert promote(scalar, Spec((), tc.float32)) is tc.float64


@settings(deadline=None)
@given(broadcastable_shapes(3))
def test_shapes_broadcast_as_numpys(drawn):
    assert broadcast(*drawn) == np.broadcast_shapes(*drawn)


@settings(deadline=None)
@given(shapes(), shapes())
def test_shapes_that_do_not_broadcast_raise_as_numpy_does(first, second):
    try:
        expected = np.broadcast_shapes(first, second)
    except ValueError:
        with pytest.raises(ShapeError) as caught:
            broadcast(first, second, names=("x", "y"))
        assert caught.value.argument == "x and y"
        assert str(first) in caught.value.got
        assert str(second) in caught.value.got
    else:
        assert broadcast(first, second) == expected


@settings(deadline=None)
@given(st.data(), shapes(), st.booleans())
def test_reduced_shapes_are_numpys(data, shape, keepdim):
    dim = data.draw(dims(len(shape)))
    expected = np.sum(np.zeros(shape), axis=dim, keepdims=keepdim).shape
    assert reduced_shape(shape, dim, keepdim) == expected


@pytest.mark.parametrize("dim", [3, -4, (0, 0), (1, -2), 1.0, "a", True])
def test_dims_that_do_not_exist(dim):
    with pytest.raises((DimensionError, ArgumentTypeError)) as caught:
        normalize_dims(dim, 3)
    assert caught.value.argument == "dim"


def test_a_scalar_has_one_dimension_to_speak_of():
    assert normalize_dims(0, 0) == normalize_dims(-1, 0) == ()
    with pytest.raises(DimensionError):
        normalize_dims(1, 0)
