"""Which BLAS multiplies NumPy's matrices, with which kernels, and whether it has better ones.

BLAS, the Basic Linear Algebra Subprograms, is the library under `a @ b`. The one that NumPy's own packages
bring, OpenBLAS, holds the inner loop of a matrix product several times, written for different generations of
processors, and chooses among these *kernels* when it is loaded. AVX2 kernels ("Haswell", "Zen") compute on 8
float32 numbers at a time, AVX-512 kernels ("SkylakeX" and later) on 16. OpenBLAS knows processors by maker
and family, and has given AVX2 kernels to those it did not know: on AMD's Zen 5, a processor that computes on
16 numbers at a time, products then take nearly twice the time they need (for the history see
https://github.com/OpenMathLib/OpenBLAS/pull/6033).

The environment variable OPENBLAS_CORETYPE names the kernels to use. It is read once, when the library is
loaded, so it has to be set before anything imports NumPy: nothing in this package could do it for a script
that has NumPy already. This file can only notice, and say what to type; the command `tinygrad-cnn`, which
decides by itself when NumPy is imported, sets it (`tinygrad_cnn/cli/openblas.py`).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

import numpy as np
from threadpoolctl import threadpool_info

CORETYPE = "OPENBLAS_CORETYPE"
# NumPy's two names, the new and the old, for the part of AVX-512 that these kernels are written in.
AVX512 = {"X86_V4", "AVX512_SKX"}
AVX512_KERNELS = {"SkylakeX", "Cooperlake", "SapphireRapids"}


def library() -> Mapping[str, str]:
    """What the loaded BLAS says of itself: `internal_api`, `version`, `architecture`; {} if it is mute."""
    libraries = (found for found in threadpool_info() if found["user_api"] == "blas")
    return next(libraries, {})


def simd_extensions() -> set[str]:
    """What the processor can do with several numbers at once, in NumPy's words."""
    extensions = np.show_config(mode="dicts")["SIMD Extensions"]
    return {*extensions["baseline"], *extensions["found"]}


def better_kernels(
    extensions: Collection[str], library: Mapping[str, str], environment: Mapping[str, str]
) -> str | None:
    """The value of OPENBLAS_CORETYPE under which matrix products would be faster; None: leave it as it is.

    >>> better_kernels({"X86_V4"}, {"internal_api": "openblas", "architecture": "Haswell"}, {})
    'SkylakeX'
    >>> better_kernels({"X86_V4"}, {"internal_api": "openblas", "architecture": "SkylakeX"}, {})
    """
    if library.get("internal_api") != "openblas" or "architecture" not in library:
        return None
    if CORETYPE in environment:  # somebody has chosen
        return None
    wasted = AVX512 & set(extensions) and library["architecture"] not in AVX512_KERNELS
    return "SkylakeX" if wasted else None


def advice() -> str | None:
    """What would make matrix products faster here, with the line to type; None if there is nothing to do."""
    blas = library()
    better = better_kernels(simd_extensions(), blas, os.environ)
    if better is None:
        return None
    command = "set" if os.name == "nt" else "export"
    return (
        f"the processor has AVX-512, but OpenBLAS runs its {blas['architecture']} kernels; "
        f"before Python starts: {command} {CORETYPE}={better}"
    )


def facts() -> dict[str, str]:
    """Lines for `NumpyBackend.info()`: the library and its kernels, and the advice if there is one."""
    blas = library()
    words = [blas.get("internal_api", "unknown"), blas.get("version", "")]
    if "architecture" in blas:
        words.append(f"({blas['architecture']} kernels)")
    suggestion = advice()
    if suggestion is None and "architecture" in blas:
        words.append("with nothing better for this processor")
    found = {"BLAS": " ".join(filter(None, words))}
    return found if suggestion is None else {**found, "advice": suggestion}
