"""Kernels without a GPU: a stand-in for CuPy whose arrays are NumPy's and whose kernels the CPU runs.

`cuda_on_cpu.h` lets g++ compile the `.cu` files as they are. The stand-in has what the kernels' Python side
asks of CuPy, so that this side is tested as it is too, and it is stricter than a GPU: the arguments of a
launch must be what the kernel declares, new memory is full of rubbish, and nothing may be written around it.
"""

from __future__ import annotations

import ctypes
import fcntl
import itertools
import os
import re
import shutil
import subprocess
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tinygrad_cnn_backends.cupy.kernels import launch

KERNELS = launch.__name__.removesuffix("launch")  # how the names of the modules beside it begin
HEADER = Path(__file__).parent / "cuda_on_cpu.h"
GCC_OPTIONS = ("-std=c++17", "-O1", "-fPIC", "-shared", "-Wall", "-Werror", "-x", "c++")
SOURCES = sorted(path.name for path in Path(launch.__file__).parent.glob("*.cu"))
TYPES = {  # what the parameters of templates can be, by their names
    "T": ("float", "double"),
    "Stored": ("float", "double", "bfloat16", "float16"),
    "Source": ("unsigned char", "float"),
    "Winner": ("unsigned char", "int", "long long"),
    "Label": ("unsigned char", "int", "long long"),
    "Index": ("int", "long long"),
}
RUBBISH, GUARD = 0xA5, 64  # a byte of rubbish, and how many of them surround each array


def pytest_generate_tests(metafunc):
    """A test that asks for `source` is run for every source file."""
    if "source" in metafunc.fixturenames:
        metafunc.parametrize("source", SOURCES)


def instances(source: str, combined=itertools.product) -> list[str]:
    """The name of every kernel in a file with all types that it can be asked for."""
    declared = re.findall(r"(?:template <([^>]*)>\s*)?__global__ void (\w+)\(", launch.read_source(source))
    return [
        f"{name}<{', '.join(types)}>" if parameters else name
        for parameters, name in declared
        for types in combined(*(TYPES[one] for one in re.findall(r"typename (\w+)", parameters)))
    ]


@pytest.fixture(scope="session")
def few_instances():
    """The same with each type once, though not in all combinations."""

    def each_once(*choices):
        longest = max(map(len, choices), default=1)
        return zip(*((types * 2)[:longest] for types in choices), strict=True) if choices else [()]

    return lambda source: instances(source, each_once)


@pytest.fixture(scope="session")
def compile_for_cpu(tmp_path_factory):
    """A function that makes a library of CUDA code, with a table of the kernels of these names."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is missing; with it the CPU would run the kernels")
    # One folder for all processes that share the tests: compiling takes longer than most of them.
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "kernels"
    folder.mkdir(exist_ok=True)

    def compile_code(title: str, code: str, names: list[str]) -> ctypes.CDLL:
        entries = ",\n".join(f'{{"{name}", gpu::kernel(&{name})}}' for name in names)
        table = f"const std::map<std::string, gpu::Kernel> gpu::kernels = {{{entries}}};"
        path = folder / f"{title}.cpp"
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # whoever comes second finds it done
            if not path.with_suffix(".so").exists():
                path.write_text(f'#include "{HEADER}"\n{code}\n{table}\n', encoding="utf-8")
                command = [compiler, *GCC_OPTIONS, str(path), "-o", str(path.with_suffix(".so"))]
                done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
                assert done.returncode == 0, f"{title} does not compile:\n{done.stderr}"
        return ctypes.CDLL(path.with_suffix(".so"))

    return compile_code


@pytest.fixture(scope="session")
def libraries(compile_for_cpu):
    """Every source file compiled for the CPU, by its text."""
    codes = [launch.read_source(source) for source in SOURCES]
    with ThreadPoolExecutor() as pool:
        compiled = pool.map(compile_for_cpu, SOURCES, codes, map(instances, SOURCES))
        return dict(zip(codes, compiled, strict=True))


@pytest.fixture(scope="module")
def gpu(libraries):
    """A backend with what the kernels' Python side asks of one: arrays."""
    stand_in = StandIn(libraries)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cupy", stand_in)
        for module in [module for name, module in sys.modules.items() if name.startswith(KERNELS)]:
            if hasattr(module, "address"):
                patch.setattr(module, "address", lambda array: array.ctypes.data)
        launch._compiled.cache_clear()
        yield SimpleNamespace(xp=stand_in)
        launch._compiled.cache_clear()


class StandIn:
    """CuPy, as far as kernels are concerned."""

    def __init__(self, libraries):
        self.libraries = libraries
        self.descending = False  # the order in which blocks and threads take turns
        self.made = deque(maxlen=8)  # the memory of the newest arrays, to look at its borders

    def __getattr__(self, name):
        return getattr(np, name)

    def empty(self, shape, dtype):
        """New memory, full of rubbish and with some around it."""
        array = np.empty(shape, dtype)
        memory = np.full(array.nbytes + 2 * GUARD, RUBBISH, np.uint8)
        self.made.append(memory)
        return memory[GUARD : GUARD + array.nbytes].view(dtype).reshape(shape)

    def RawModule(self, *, code, options, name_expressions):
        """A compiled source; here each one has been compiled before, in all its instances."""
        assert options == launch.OPTIONS
        assert name_expressions
        library = self.libraries[code]
        return SimpleNamespace(get_function=lambda name: lambda *call: self.launch(library, name, *call))

    def launch(self, library, name, grid, block, args):
        """Run a kernel as a driver would, which sees addresses only; but look at what they lead to first."""
        grid, block = (np.array((*sizes, 1, 1)[:3], np.uint32) for sizes in (grid, block))
        assert grid.all(), "an empty grid cannot be launched"
        assert 0 < block.prod() <= 1024, "as many threads as a block can have"
        check_arguments(library, name, args)
        values = [as_bytes(value) for value in args]
        addresses = (ctypes.c_void_p * len(values))(*[value.ctypes.data for value in values])
        library.launch.restype = ctypes.c_bool
        ended = library.launch(
            name.encode(),
            ctypes.c_void_p(grid.ctypes.data),
            ctypes.c_void_p(block.ctypes.data),
            addresses,
            ctypes.c_bool(self.descending),
        )
        if not ended:
            raise RuntimeError(f"threads of {name} wait for others that have returned")
        for memory in self.made:
            around = np.concatenate([memory[:GUARD], memory[-GUARD:]])
            assert (around == RUBBISH).all(), f"{name} has written outside of an array"


def is_on_device(value) -> bool:
    """Whether a kernel gets an array's address; one of a single struct is passed by value, as CuPy does."""
    return isinstance(value, np.ndarray) and value.dtype.names is None


def as_bytes(value) -> np.ndarray:
    """The memory that an argument of a kernel is read from."""
    if value is None:
        return np.zeros((), np.uint64)
    return np.array(value.ctypes.data, np.uint64) if is_on_device(value) else np.array(value)


def check_arguments(library, name: str, args) -> None:
    """Refuse what is not what the kernel declares; the driver would take it and compute nonsense."""
    library.signature.restype = ctypes.c_char_p
    declared = library.signature(name.encode())
    assert declared is not None, f"there is no kernel {name}"
    kinds = declared.decode().split()
    assert len(kinds) == len(args), f"{name} takes {len(kinds)} arguments, not {len(args)}"
    for place, (kind, value) in enumerate(zip(kinds, args, strict=True)):
        if value is None or kind.startswith("*s"):  # scratch memory for structs has a type of its own
            fits = kind.startswith("*") and (value is None or is_on_device(value))
        else:
            dtype = value.dtype
            letters = {"b": "i", "i": "i", "u": "i", "f": "f", "V": "s"}
            letter = "b" if dtype.name == "bfloat16" else letters[dtype.kind]
            fits = kind == f"{'*' * is_on_device(value)}{letter}{dtype.itemsize}"
        assert fits, f"argument {place} of {name} should be {kind}, not {value!r}"
