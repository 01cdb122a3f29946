"""How many threads compute, and a word with BLAS, the library of matrix products under NumPy.

NumPy's elementwise functions run on one thread; its matrix products run on as many as BLAS was told to use. A
convolution is half one and half the other, so threads inside of BLAS help it only half of the time. Here
large operations, and captured steps as a whole, are cut into parts, one for each Python thread
(`workers.py`), and BLAS keeps to one thread meanwhile: its own would go on spinning for some milliseconds
after a product, waiting for the next one, on the very cores that ours need.

The number of threads is part of what makes a run repeatable: sums are taken part by part, and a sum in other
parts rounds differently.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

import numpy as np
from threadpoolctl import LibController, ThreadpoolController

from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.errors import ArgumentError

ENVIRONMENT_VARIABLE = "TINYGRAD_CNN_NUM_THREADS"


def get_num_threads() -> int:
    """The number of threads: as it was set, or what BLAS came with (one for each core, by default)."""
    if _chosen is not None:
        return _chosen
    return max((library.num_threads for library in _blas()), default=1) if not _limits else max(_before)


def set_num_threads(n: int) -> None:
    """Compute on n threads from now on, in the whole process; matrix products by themselves as well.

    Raises:
        ArgumentTypeError: n is not an integer.
        ArgumentError: n is less than 1.

    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    global _chosen
    n = as_index(n, argument="n")
    if n < 1:
        raise ArgumentError("there must be a thread to compute in", argument="n", expected="n >= 1", got=n)
    _chosen = n
    for library in _blas():
        library.set_num_threads(n)


@contextmanager
def limited_to(n: int | None) -> Iterator[None]:
    """Let matrix products use n threads inside this block, because we compute in threads of our own.

    It holds for the whole process; blocks in several threads at once end when the last one does.
    """
    global _limits
    if n is None:
        yield
        return
    with _lock:
        if _limits == 0:
            _before[:] = [library.num_threads for library in _blas()]
            for library in _blas():
                library.set_num_threads(n)
        _limits += 1
    try:
        yield
    finally:
        with _lock:
            _limits -= 1
            if _limits == 0:
                for library, before in zip(_blas(), _before, strict=True):
                    library.set_num_threads(before)


_chosen: int | None = None
_lock, _limits = Lock(), 0
_before: list[int] = []  # what each library was set to outside of all such blocks


BUFFER_NUMBERS = 2048


@contextmanager
def calm() -> Iterator[None]:
    """Compute in this thread without warnings, and without large buffers.

    NumPy copies an operand that comes in runs shorter than its buffer (8192 numbers) into that buffer first,
    also where nothing has to be converted. The runs here are often a few thousand numbers long, such as one
    channel of a batch.
    """
    with np.errstate(all="ignore"):  # on leaving, both are as they were
        np.setbufsize(BUFFER_NUMBERS)
        yield


def set_num_threads_from_environment() -> None:
    """Do what TINYGRAD_CNN_NUM_THREADS says, if it is set."""
    text = os.environ.get(ENVIRONMENT_VARIABLE)
    if not text:
        return
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentError(
            "the number of threads in the environment makes no sense",
            argument=ENVIRONMENT_VARIABLE,
            expected="an integer >= 1",
            got=repr(text),
            hint=f"unset {ENVIRONMENT_VARIABLE} to use every core",
        )
    set_num_threads(int(text))


@cache  # looking through the loaded libraries takes a millisecond
def _blas() -> tuple[LibController, ...]:
    controller = ThreadpoolController().select(user_api="blas")
    return tuple(controller.lib_controllers)
