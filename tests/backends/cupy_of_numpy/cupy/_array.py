"""The stand-in's array: NumPy's, wrapped so that the two cannot be mistaken for each other."""

import operator
import sys
from collections import Counter
from functools import wraps
from types import SimpleNamespace

import numpy as np

from . import _device

# Where in the program a value was looked at, for which CuPy waits until the GPU has finished: (file, line).
synchronizations = Counter()


def _wait():
    frame = sys._getframe(2)
    synchronizations[frame.f_code.co_filename, frame.f_lineno] += 1
    _device.wait()


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


def each(change, value):
    """An argument with a change made to every array of the stand-in in it."""
    if isinstance(value, (tuple, list)):
        return type(value)(each(change, part) for part in value)
    return change(host(value)) if isinstance(value, ndarray) else host(value)


def computed(function, *args, **kwargs):
    """The result of a function of NumPy's: at once, or when the stream gets there.

    In the second case it is tried on zeros first, for the shape of the result; and if that is a view, no
    numbers are needed.
    """

    def called(change):
        with np.errstate(all="ignore"):
            arguments = [each(change, value) for value in args]
            return function(*arguments, **{key: each(change, value) for key, value in kwargs.items()})

    stream = _device.get_current_stream()
    if not stream.is_late:
        return on_device(called(lambda array: array))
    made = []
    trial = called(lambda array: made.append(_device.zeros_like(array)) or made[-1])
    if any(np.may_share_memory(trial, array) for array in made if isinstance(trial, np.ndarray)):
        return on_device(called(lambda array: array))
    several = trial if isinstance(trial, tuple) else (trial,)
    if not all(isinstance(one, (np.ndarray, np.generic)) for one in several):
        return trial  # a fact, such as what kind of dtype this is
    results = [ndarray(_device.new(np.shape(one), one.dtype, np.asarray(one).strides)) for one in several]
    stream.submit(_work(function, args, kwargs, [host(result) for result in results]))
    return tuple(results) if isinstance(trial, tuple) else results[0]


def written(function, *args, **kwargs):
    """A function of NumPy's that writes into its first argument."""
    stream = _device.get_current_stream()
    if stream.is_late:  # what is wrong is wrong at once
        function(*(each(_device.zeros_like, value) for value in args), **kwargs)
    stream.submit(_work(function, args, kwargs, []))


def _work(function, args, kwargs, outs):
    """A call that knows addresses only; it does not keep the memory."""
    arguments = [each(_device.by_address, value) for value in args]
    options = {key: each(_device.by_address, value) for key, value in kwargs.items()}
    places = [_device.by_address(out) for out in outs]

    def work():
        with np.errstate(all="ignore"):
            made = function(*arguments, **options)
        for place, result in zip(places, made if isinstance(made, tuple) else (made,), strict=False):
            place[...] = result

    return work


def wrapped(function, name):
    """A function of NumPy's for arrays of the stand-in."""

    @wraps(function)
    def on_arrays(*args, **kwargs):
        if name == "nonzero":  # how many there are is for the GPU to say
            _wait()
            return on_device(function(*map(host, args)))
        if kwargs.get("out") is not None:
            out = kwargs.pop("out")
            written(lambda out, *inputs: function(*inputs, out=out, **kwargs), out, *args)
            return out
        return computed(function, *args, **kwargs)

    return on_arrays


class ndarray:  # noqa: N801 - CuPy's name
    __slots__ = ("__weakref__", "_host")
    __array_priority__ = 100
    __hash__ = None

    def __init__(self, host_array):
        if not _device.is_placed(host_array):
            memory = _device.new(host_array.shape, host_array.dtype, np.empty_like(host_array).strides)
            memory[...] = host_array
            host_array = memory
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
    data = property(lambda self: SimpleNamespace(ptr=self._host.ctypes.data))

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
            return on_device(self._host[host(key)])
        if Ellipsis not in [entry for entry in key if not isinstance(entry, ndarray)]:
            key = (*key, Ellipsis)  # without it NumPy makes a number of a single element, CuPy never does
        return computed(lambda array, *key: array[key], self, *key)

    def __setitem__(self, key, value):
        written(lambda array, value: array.__setitem__(host(key), value), self, value)

    def astype(self, dtype, copy=True):
        return computed(lambda array: array.astype(dtype, copy=copy), self)

    def copy(self, order="C"):
        return computed(lambda array: array.copy(order), self)


def _arithmetic(function):
    """x + y, y + x and x += y."""

    def forwards(self, other):
        return computed(function, self, other)

    def backwards(self, other):
        return computed(function, other, self)

    def in_place(self, other):
        written(lambda array, value: array.__setitem__(..., function(array, value)), self, other)
        return self

    return forwards, backwards, in_place


def _sign(function):
    return lambda self: computed(function, self)


for _name in ("add", "sub", "mul", "truediv", "pow", "and", "or", "xor", "lshift", "rshift", "matmul"):
    for _prefix, _method in zip(("", "r", "i"), _arithmetic(getattr(operator, f"__{_name}__")), strict=True):
        setattr(ndarray, f"__{_prefix}{_name}__", _method)
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(ndarray, f"__{_name}__", _arithmetic(getattr(operator, _name))[0])
for _name in ("neg", "invert", "abs"):
    setattr(ndarray, f"__{_name}__", _sign(getattr(operator, _name)))
