"""The stand-in's array: NumPy's, wrapped so that the two cannot be mistaken for each other."""

import operator
import sys
from collections import Counter
from functools import wraps

import numpy as np

# Where in the program a value was looked at, for which CuPy waits until the GPU has finished: (file, line).
synchronizations = Counter()


def _wait():
    frame = sys._getframe(2)
    synchronizations[frame.f_code.co_filename, frame.f_lineno] += 1


def on_device(value):
    """A result of NumPy's as an array of the stand-in; single numbers too, as CuPy has no others."""
    if isinstance(value, (np.ndarray, np.generic)):
        return ndarray(np.asarray(value))
    if isinstance(value, tuple):
        return tuple(on_device(part) for part in value)
    return value


def host(value):
    """What NumPy computes with; NumPy's own arrays are refused, as CuPy does."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(value, (tuple, list)):
        return type(value)(host(part) for part in value)
    return value


def wrapped(function, name):
    """A function of NumPy's for arrays of the stand-in."""

    @wraps(function)
    def on_arrays(*args, **kwargs):
        if name == "nonzero":  # how many there are is for the GPU to say
            _wait()
        with np.errstate(all="ignore"):
            return on_device(
                function(*map(host, args), **{key: host(value) for key, value in kwargs.items()})
            )

    return on_arrays


class ndarray:  # noqa: N801 - CuPy's name
    __slots__ = ("__weakref__", "_host")
    __array_priority__ = 100
    __hash__ = None

    def __init__(self, host_array):
        self._host = host_array

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __array_ufunc__(self, *args, **kwargs):
        raise TypeError("a function of NumPy's was given an array of CuPy's")

    # --- facts, which the host knows

    shape = property(lambda self: self._host.shape)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    dtype = property(lambda self: self._host.dtype)
    itemsize = property(lambda self: self._host.itemsize)
    strides = property(lambda self: self._host.strides)
    flags = property(lambda self: self._host.flags)
    nbytes = property(lambda self: self._host.nbytes)
    T = property(lambda self: ndarray(self._host.T))

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        return (self[place] for place in range(len(self)))

    # --- values, for which the host waits

    def get(self):
        _wait()
        return self._host.copy()

    def __bool__(self):
        _wait()
        return bool(self._host)

    def __int__(self):
        _wait()
        return int(self._host)

    def __float__(self):
        _wait()
        return float(self._host)

    __index__ = __int__

    # --- parts

    def __getitem__(self, key):
        key = key if isinstance(key, tuple) else (key,)
        if any(isinstance(entry, ndarray) and entry.dtype == np.bool for entry in key):
            _wait()
        if Ellipsis not in [entry for entry in key if not isinstance(entry, ndarray)]:
            key = (*key, Ellipsis)  # without it NumPy makes a number of a single element, CuPy never does
        return on_device(self._host[host(key)])

    def __setitem__(self, key, value):
        self._host[host(key)] = host(value)

    def astype(self, dtype, copy=True):
        return ndarray(self._host.astype(dtype, copy=copy))

    def copy(self, order="C"):
        return ndarray(self._host.copy(order))


def _arithmetic(function):
    """x + y, y + x and x += y."""

    def forwards(self, other):
        with np.errstate(all="ignore"):
            return on_device(function(self._host, host(other)))

    def backwards(self, other):
        with np.errstate(all="ignore"):
            return on_device(function(host(other), self._host))

    def in_place(self, other):
        self._host[...] = function(self._host, host(other))
        return self

    return forwards, backwards, in_place


def _sign(function):
    return lambda self: on_device(function(self._host))


for _name in ("add", "sub", "mul", "truediv", "pow", "and", "or", "xor", "lshift", "rshift", "matmul"):
    for _prefix, _method in zip(("", "r", "i"), _arithmetic(getattr(operator, f"__{_name}__")), strict=True):
        setattr(ndarray, f"__{_prefix}{_name}__", _method)
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(ndarray, f"__{_name}__", _arithmetic(getattr(operator, _name))[0])
for _name in ("neg", "invert", "abs"):
    setattr(ndarray, f"__{_name}__", _sign(getattr(operator, _name)))
