"""Before NumPy is loaded: let its OpenBLAS use all of an AVX-512 processor.

OpenBLAS, the library of matrix products in NumPy's packages, gives kernels for AVX2 to AMD processors that it
does not know, though some of them have AVX-512, which is nearly twice as fast (`backends/numpy/blas.py` tells
the story). The environment variable OPENBLAS_CORETYPE says otherwise, if it is set before the library is
loaded. A command is free to do so: it starts with this file, and imports NumPy afterwards. What Python writes
into `os.environ` is in the environment that C libraries see, too.

It is done only where it is certain to help: on Linux, which lists what the processor can do; on AMD, since
OpenBLAS knows Intel's processors well; and never against a choice of the user's own.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

CORETYPE, AVX512_KERNELS = "OPENBLAS_CORETYPE", "SkylakeX"
# What these kernels are written in: the first Intel processor that had it was Skylake-X.
AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
CPUINFO = Path("/proc/cpuinfo")


def better_kernels(processor: str) -> str | None:
    r"""The value for OPENBLAS_CORETYPE on a processor that Linux describes so; None: leave it as it is.

    >>> better_kernels("vendor_id : AuthenticAMD\nflags : fpu sse avx avx2")
    """
    facts: dict[str, str] = {}
    for line in processor.splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())  # the first processor stands for all
    if facts.get("vendor_id") == "AuthenticAMD" and set(facts.get("flags", "").split()) >= AVX512:
        return AVX512_KERNELS
    return None


def choose_kernels(environment: MutableMapping[str, str] = os.environ, cpuinfo: Path = CPUINFO) -> str | None:
    """Set OPENBLAS_CORETYPE where it helps and is not set; returns what it was set to."""
    if CORETYPE in environment:
        return None
    try:
        better = better_kernels(cpuinfo.read_text(encoding="utf-8"))
    except OSError:  # not Linux
        return None
    if better is not None:
        environment[CORETYPE] = better
    return better
