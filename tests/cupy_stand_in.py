"""CuPy made of NumPy (`backends/cupy_of_numpy`), in place of CuPy for as long as a test takes.

With it comes a cuBLAS made of loops (`backends/cuda/cublas_on_cpu.cpp`): `cuda.pathfinder`, which CuPy brings
along to find NVIDIA's libraries, finds that one. The stand-in compiles no kernels; `kernels_run_by` lets it
start those that the emulator of `backends/cuda` compiled for the processor.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

BACKENDS = Path(__file__).parent / "backends"
FOLDER = BACKENDS / "cupy_of_numpy"
EMULATOR = BACKENDS / "cuda" / "conftest.py"
CUBLAS = BACKENDS / "cuda" / "cublas_on_cpu.cpp"
PATHFINDER = "cuda.pathfinder"
_libraries = TemporaryDirectory()  # for as long as Python runs


@contextmanager
def installed() -> Iterator[Any]:
    """`import cupy` finds the stand-in; afterwards it finds again what it found before."""
    library = compiled_cublas()
    real = _forget()
    sys.path.insert(0, str(FOLDER))
    sys.modules[PATHFINDER] = ModuleType(PATHFINDER)
    sys.modules[PATHFINDER].load_nvidia_dynamic_lib = {"cublas": SimpleNamespace(abs_path=library)}.get
    try:
        cupy = import_module("cupy")
        with _queued(cupy, ctypes.CDLL(library)):
            yield cupy
    finally:
        sys.path.remove(str(FOLDER))
        _forget()
        sys.modules.update(real)


def _forget() -> dict[str, ModuleType]:
    tops = ("cupy", "cupyx")
    names = [name for name in sys.modules if name.split(".")[0] in tops or name == PATHFINDER]
    return {name: sys.modules.pop(name) for name in names}


@contextmanager
def _queued(cupy: ModuleType, cublas: ctypes.CDLL) -> Iterator[None]:
    """Inside, products join the stream that cuBLAS was told, as all other work does."""
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)

    @function
    def queue(stream: int | None, product: int) -> None:
        (found,) = [one for one in list(cupy.cuda.Stream.all) if one.ptr == (stream or 0)]
        found.submit(partial(cublas.run, ctypes.c_void_p(product)))

    cublas.set_queue(queue)
    try:
        yield
    finally:
        cublas.set_queue(function())


@cache
def compiled_cublas() -> str:
    """Where the stand-in for libcublas lies."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is missing; with it the CPU would multiply as cuBLAS does")
    library = Path(_libraries.name) / "libcublas.so"
    options = ("-std=c++17", "-O2", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror")
    done = subprocess.run([compiler, *options, str(CUBLAS), "-o", str(library)], stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()
    return str(library)


def emulator() -> Any:
    """The module that compiles kernels for the processor; it lies in no package."""
    spec = spec_from_file_location("cuda_emulator", EMULATOR)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def kernels_run_by(runs: Any, cupy: Any, launched: list[str]) -> Iterator[None]:
    """The stand-in starts kernels by the emulator, and notes their names.

    They are done when the stream gets there, and know addresses only.
    """
    launch = import_module("tinygrad_cnn_backends.cupy.kernels.launch")
    by_address = cupy._device.by_address

    def module(**source: Any) -> Any:
        def get_function(name: str) -> Any:
            kernel = runs.RawModule(**source).get_function(name)

            def start(grid: Any, block: Any, args: Any) -> None:
                launched.append(name.split("<")[0])
                values = [by_address(value._host) if hasattr(value, "_host") else value for value in args]
                cupy.cuda.get_current_stream().submit(lambda: kernel(grid, block, values))

            return start

        return SimpleNamespace(get_function=get_function)

    launch._compiled.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cupy, "RawModule", module)
        yield
    launch._compiled.cache_clear()
