"""How many threads compute: a word with BLAS, the library of matrix products under NumPy.

NumPy's elementwise functions run on one thread; its matrix products run on as many as BLAS was told to use,
by default one for each core. These kernels put the heavy work into matrix products, so BLAS's threads are
the only ones.

Python threads of our own, half of the batch on each, were tried and gave nothing. BLAS's threads keep
spinning for some milliseconds after a product, waiting for the next one, and a thread of ours that wants the
same core in that time runs at half speed. And waking a sleeping thread takes as long as a small operation.

The number of threads is part of what makes a run repeatable: BLAS cuts its sums into as many parts, and a
sum in other parts rounds differently.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import LibController, ThreadpoolController

from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.errors import ArgumentError

ENVIRONMENT_VARIABLE = "TINYGRAD_CNN_NUM_THREADS"


def get_num_threads() -> int:
    """The number of threads in matrix products; 1 if NumPy's BLAS does not tell."""
    return max((library.num_threads for library in _blas()), default=1)


def set_num_threads(n: int) -> None:
    """Use n threads in matrix products from now on, in the whole process.

    Raises:
        ArgumentTypeError: n is not an integer.
        ArgumentError: n is less than 1.

    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    n = as_index(n, argument="n")
    if n < 1:
        raise ArgumentError("there must be a thread to compute in", argument="n", expected="n >= 1", got=n)
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


_lock, _limits = Lock(), 0
_before: list[int] = []


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
