"""Products of matrices by cuBLAS, for which a library of loops stands in (`cuda/cublas_on_cpu.cpp`).

That shows that cuBLAS is asked for the right products, with arguments it accepts. Where the real library is
installed, what we believe about its functions is compared with its header; a GPU is not needed for that.
"""

from __future__ import annotations

import ctypes
import gc
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cupy_stand_in import compiled_cublas, installed
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from kernel_arrays import seeds

from tinygrad_cnn.errors import BackendError
from tinygrad_cnn_backends.cupy import CupyBackend, cublas, products
from tinygrad_cnn_backends.cupy.cublas import Operand

# What sums of products of numbers around 1 may be wrong by, relative to the largest.
TOLERANCE = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 1e-5, "float64": 1e-14}


@pytest.fixture(scope="module")
def cupy():
    with installed() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def any_backend(cupy):
    """One for the many examples of a property."""
    return CupyBackend()


@pytest.fixture
def backend(cupy):
    return CupyBackend()


@pytest.fixture
def library():
    return ctypes.CDLL(compiled_cublas())


@pytest.fixture
def count(library):
    """How often a function of the library has been called since the test began."""
    names = ("streams_set", "workspaces_set", "single_products", "stacked_products")
    counters = {name: ctypes.c_int.in_dll(library, name) for name in names}
    before = {name: counter.value for name, counter in counters.items()}
    return lambda name: counters[name].value - before[name]


def numpy_dtype(name: str) -> np.dtype:
    return np.dtype(pytest.importorskip("ml_dtypes").bfloat16 if name == "bfloat16" else name)


# --- products -------------------------------------------------------------------------------------

LAYOUTS = {
    "rows": lambda x: x,
    "columns": lambda x: x.swapaxes(-1, -2).copy().swapaxes(-1, -2) if x.ndim > 1 else x,
    "part of wider rows": lambda x: np.concatenate([x, x], axis=-1)[..., : x.shape[-1]],
    "every second": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "backwards": lambda x: x[..., ::-1].copy()[..., ::-1],
    "upside down": lambda x: x[::-1].copy()[::-1],
    "stack last": lambda x: np.moveaxis(np.moveaxis(x, 0, -1).copy(), -1, 0),
    "stack turned": lambda x: x.swapaxes(0, -2).copy().swapaxes(0, -2) if x.ndim > 2 else x,
    "one row for all": lambda x: np.broadcast_to(x[..., :1, :], x.shape) if x.ndim > 1 else x,
    "one number for all": lambda x: np.broadcast_to(x.ravel()[:1].reshape(-1), x.shape) if x.size else x,
}
layouts = st.sampled_from(list(LAYOUTS))
factors = mutually_broadcastable_shapes(signature="(n?,k),(k,m?)->(n?,m?)", min_side=0, max_side=5)


@given(factors, layouts, layouts, st.sampled_from(["float16", "float32", "float64"]), seeds)
@settings(max_examples=300, deadline=None)
def test_products_are_numpys(cupy, any_backend, shapes, x_layout, y_layout, name, seed):
    check_product(cupy, any_backend, shapes.input_shapes, (x_layout, y_layout), name, seed)


def test_products_of_bfloat16(cupy, backend):
    check_product(cupy, backend, ((4, 3, 5), (5, 6)), ("rows", "columns"), "bfloat16", 0)


def check_product(cupy, backend, shapes, layouts, name, seed):
    rng = np.random.default_rng(seed)
    x, y = (
        LAYOUTS[layout](rng.standard_normal(shape).astype(numpy_dtype(name)))
        for shape, layout in zip(shapes, layouts, strict=True)
    )
    assert products.suits(x, y)
    product = backend.xp.matmul(on_device(cupy, x), on_device(cupy, y))
    assert product.flags.c_contiguous
    out = backend.to_numpy(product)
    expected = np.matmul(x.astype(np.float64), y.astype(np.float64))
    assert (out.shape, out.dtype) == (expected.shape, x.dtype)
    scale = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(out.astype(np.float64) / scale, expected / scale, rtol=0, atol=TOLERANCE[name])


def on_device(cupy, array):
    """The array as it lies, with gaps and all, where `cupy.array` would put it in order."""
    base = array
    while base.base is not None:
        base = base.base
    memory = cupy.array(base.ravel(order="K"))._host
    start = (array.ctypes.data - base.ctypes.data) // array.itemsize
    return cupy.ndarray(np.lib.stride_tricks.as_strided(memory[start:], array.shape, array.strides))


NOT_COPIED = {
    "a transposed left": ((5, 4), "columns", (4, 3), "rows"),
    "a transposed right": ((5, 4), "rows", (4, 3), "columns"),
    "both transposed": ((5, 4), "columns", (4, 3), "columns"),
    "part of a wider matrix": ((5, 4), "part of wider rows", (4, 3), "part of wider rows"),
    "a stack and one matrix": ((2, 5, 4), "columns", (4, 3), "rows"),
    "one matrix and a stack": ((5, 4), "rows", (2, 4, 3), "columns"),
    "stacks with one matrix each": ((2, 1, 5, 4), "rows", (2, 1, 4, 3), "rows"),
    "vectors": ((4,), "rows", (4,), "rows"),
    "a vector with gaps": ((4,), "every second", (4, 3), "rows"),
}


@pytest.mark.parametrize(("x_shape", "x_layout", "y_shape", "y_layout"), NOT_COPIED.values(), ids=NOT_COPIED)
def test_what_cublas_can_read_is_not_copied(
    cupy, backend, count, monkeypatch, x_shape, x_layout, y_shape, y_layout
):
    monkeypatch.setattr(cupy.ndarray, "copy", lambda *_, **__: pytest.fail("a copy"))
    x, y = (LAYOUTS[layout](np.ones(s)) for s, layout in ((x_shape, x_layout), (y_shape, y_layout)))
    out = backend.xp.matmul(on_device(cupy, x), on_device(cupy, y))
    np.testing.assert_array_equal(out._host, np.matmul(x, y))
    assert count("single_products") + count("stacked_products") == 1


def test_only_stacks_are_multiplied_as_stacks(cupy, backend, count):
    matrix, stack = (cupy.ones(shape) for shape in ((4, 4), (3, 4, 4)))
    backend.xp.matmul(matrix, matrix)
    backend.xp.matmul(stack, matrix)  # one tall matrix
    assert (count("single_products"), count("stacked_products")) == (2, 0)
    backend.xp.matmul(stack, stack)
    backend.xp.matmul(matrix, stack)
    backend.xp.matmul(cupy.moveaxis(stack, 1, 2), matrix)  # would have to be copied to be one
    assert (count("single_products"), count("stacked_products")) == (2, 3)


def test_where_there_is_nothing_to_multiply_cublas_is_not_called(cupy, backend, count):
    for x_shape, y_shape in (((0, 3), (3, 2)), ((2, 3), (3, 0)), ((2, 0), (0, 3)), ((0, 2, 3), (3, 2))):
        out = backend.xp.matmul(cupy.ones(x_shape), cupy.ones(y_shape))
        np.testing.assert_array_equal(out._host, np.ones(x_shape) @ np.ones(y_shape))
    assert count("single_products") + count("stacked_products") == 0


def test_cupy_multiplies_the_rest(cupy, backend, count):
    whole = cupy.array(np.arange(4).reshape(2, 2))
    np.testing.assert_array_equal(backend.xp.matmul(whole, whole)._host, [[2, 3], [6, 11]])
    mixed = backend.xp.matmul(whole, cupy.ones((2, 1)))
    np.testing.assert_array_equal(mixed._host, [[1], [5]])
    with pytest.raises(ValueError, match="matmul"):
        backend.xp.matmul(cupy.ones((2, 3)), cupy.ones((2, 3)))
    assert count("single_products") + count("stacked_products") == 0


# --- streams and workspaces -----------------------------------------------------------------------


def test_the_stream_is_set_when_it_changes_and_its_workspace_with_it(cupy, backend, count):
    x = cupy.ones((2, 2))
    streams = [cupy.cuda.Stream(), cupy.cuda.Stream()]
    for stream, times in ((0, 1), (0, 1), (1, 2), (1, 2), (0, 3)):
        with streams[stream]:
            backend.xp.matmul(x, x)
        assert count("streams_set") == count("workspaces_set") == times


def test_a_product_waits_for_its_turn_in_the_stream(cupy, backend):
    x, stream = cupy.ones((2, 2)), cupy.cuda.Stream()
    with stream:
        x *= 3
        out = backend.xp.matmul(x, x)
    assert not (out._host == 18).any()
    stream.synchronize()
    np.testing.assert_array_equal(out._host, np.full((2, 2), 18))


def test_a_recorded_product_is_computed_at_every_replay(cupy, backend):
    pool = cupy.cuda.MemoryPool(cupy.get_default_memory_pool().malloc)
    x, stream = cupy.ones((2, 2)), cupy.cuda.Stream(non_blocking=True)
    with stream, cupy.cuda.using_allocator(pool.malloc):
        backend.xp.matmul(x, x)  # finds memory, a handle and a workspace
        stream.begin_capture()
        out = backend.xp.matmul(x, x)
        graph = stream.end_capture()
    assert not (out._host == 2).any()
    for number in (1, 2, 3):
        x[...] = number
        graph.launch()
        np.testing.assert_array_equal(out.get(), np.full((2, 2), 2.0 * number**2))


def test_a_stream_keeps_its_workspace_as_long_as_it_lives(cupy, backend, monkeypatch):
    lent = []

    def lend(size):
        lent.append(size)
        memory = np.empty(size + 256, np.uint8)
        return SimpleNamespace(memory=memory, ptr=memory.ctypes.data + -memory.ctypes.data % 256)

    monkeypatch.setattr(cupy.cuda.POOL, "malloc", lend)
    x, streams = cupy.ones((2, 2)), [cupy.cuda.Stream(), cupy.cuda.Stream()]
    for stream in (*streams, *streams):
        with stream:
            backend.xp.matmul(x, x)
    assert lent == [32 * 2**20] * 2
    handle = backend.cublas._handles[0]
    del stream
    streams.pop()
    gc.collect()
    assert len(handle._workspaces) == 1


def test_older_gpus_need_a_smaller_workspace(cupy, monkeypatch):
    monkeypatch.setattr(cupy.cuda.Device, "compute_capability", "86")
    lent, malloc = [], cupy.cuda.POOL.malloc
    monkeypatch.setattr(cupy.cuda.POOL, "malloc", lambda size: lent.append(size) or malloc(size))
    CupyBackend().xp.matmul(cupy.ones((1, 1)), cupy.ones((1, 1)))
    assert lent == [4 * 2**20]


def test_each_device_has_a_handle(cupy, backend, count, monkeypatch):
    x = cupy.ones((2, 2))
    for device in (0, 1, 0):
        monkeypatch.setattr(cupy.cuda.Device, "id", device)
        backend.xp.matmul(x, x)
    assert sorted(backend.cublas._handles) == [0, 1]
    assert count("streams_set") == 2


# --- errors ---------------------------------------------------------------------------------------


def test_a_refused_product_names_shapes_and_reason(cupy, backend, monkeypatch):
    monkeypatch.setattr(backend.cublas._library, "cublasGemmEx", lambda *_: 13)
    with pytest.raises(BackendError) as caught:
        backend.xp.matmul(cupy.ones((2, 3)), cupy.ones((3, 4)))
    assert str(caught.value).splitlines()[:2] == [
        "cuBLAS could not multiply: the function failed to launch on the GPU (status 13)",
        "  got:      (2, 3) @ (3, 4) of float64",
    ]


def test_a_workspace_that_was_refused_is_not_taken_for_one_in_force(cupy, backend, monkeypatch):
    x = cupy.ones((1, 1))
    backend.xp.matmul(x, x)
    with monkeypatch.context() as patch, cupy.cuda.Stream():
        patch.setattr(backend.cublas._library, "cublasSetWorkspace_v2", lambda *_: 7)
        with pytest.raises(BackendError, match="could not take a workspace"):
            backend.xp.matmul(x, x)
    assert backend.xp.matmul(x, x).get() == 1


def test_a_handle_that_cannot_be_made(cupy, backend, monkeypatch):
    monkeypatch.setattr(backend.cublas._library, "cublasCreate_v2", lambda *_: 1)
    with pytest.raises(BackendError, match="cuBLAS could not start: the library was not initialized"):
        backend.xp.matmul(cupy.ones((1, 1)), cupy.ones((1, 1)))


def test_sizes_that_do_not_fit_into_32_bits_are_refused_and_not_cut(cupy, backend):
    tall = cupy.broadcast_to(cupy.ones((1, 1)), (2**31, 1))
    one = Operand(cupy.ones((1, 1)), False, 1, 0)
    with pytest.raises(BackendError, match="counts with 32 bits"):
        backend.cublas.multiply(Operand(tall, False, 1, 0), one, cupy.ones((1, 1)))


def test_without_cublas_cupy_multiplies_and_that_is_said(cupy, monkeypatch):
    monkeypatch.setattr(cublas, "_path", lambda cupy: "no such library")
    with pytest.warns(UserWarning, match=r"no such library.*cannot become a CUDA graph"):
        backend = CupyBackend()
    assert backend.cublas is None
    assert backend.xp.matmul(cupy.ones((1, 2)), cupy.ones((2, 1))).get() == 2
    assert backend.info()["matrix products"] == "CuPy's, as cuBLAS is not to be found"


def test_without_pathfinder_the_library_is_called_by_its_name(cupy, monkeypatch):
    monkeypatch.setitem(sys.modules, "cuda.pathfinder", None)
    assert re.fullmatch(r"libcublas\.so\.13|cublas64_13\.dll", cublas._path(cupy))


# --- the library that stands in ---------------------------------------------------------------------


def test_the_stand_in_refuses_what_cublas_refuses(library):
    numbers = (ctypes.c_double * 64)()
    one = ctypes.c_double(1)
    handle = ctypes.c_void_p()
    functions = cublas._library(library._name)

    def multiply(*, transpose=0, k=2, lda=2, ldb=2, ldc=2, a=numbers, kind=1, compute=70):
        return functions.cublasGemmEx(
            *(handle, transpose, 0, 2, 2, k, ctypes.byref(one), a, kind, lda, numbers, kind, ldb),
            *(ctypes.byref(one), numbers, kind, ldc, compute, -1),
        )

    assert multiply() == 1  # no handle
    assert functions.cublasCreate_v2(ctypes.byref(handle)) == 0
    assert multiply() == 13  # no workspace
    memory = np.zeros(2**16, np.uint8)
    aligned = memory.ctypes.data + -memory.ctypes.data % 256
    assert functions.cublasSetWorkspace_v2(handle, aligned + 1, 2**15) == 7
    assert functions.cublasSetWorkspace_v2(handle, aligned, 2**15) == 0
    assert multiply() == 0
    for wrong in ({"lda": 1}, {"ldb": 1}, {"ldc": 1}, {"k": -1}, {"a": None}):
        assert multiply(**wrong) == 7
    assert multiply(k=3, lda=2, ldb=3) == 0
    assert multiply(transpose=1, k=3, lda=2, ldb=3) == 7
    assert multiply(transpose=2) == 7
    assert [multiply(kind=0), multiply(compute=68), multiply(kind=2, compute=77)] == [15] * 3
    assert functions.cublasSetStream_v2(handle, None) == 0
    assert multiply() == 13  # a new stream, and no workspace for it
    assert functions.cublasDestroy_v2(handle) == 0
    assert functions.cublasDestroy_v2(handle) == 1


# --- the library that is meant ----------------------------------------------------------------------

C_TYPES = {
    "long long int": ctypes.c_longlong,
    "int": ctypes.c_int,
    "size_t": ctypes.c_size_t,
    **dict.fromkeys(("cublasOperation_t", "cudaDataType", "cublasComputeType_t"), ctypes.c_int),
    **dict.fromkeys(("cublasGemmAlgo_t", "cublasStatus_t"), ctypes.c_int),
    **dict.fromkeys(("cublasHandle_t", "cudaStream_t"), ctypes.c_void_p),  # pointers by other names
}


def installed_files(pattern: str) -> list[Path]:
    """Files of NVIDIA's packages."""
    spec = find_spec("nvidia")
    folders = [] if spec is None else spec.submodule_search_locations or []
    found = [path for folder in folders for path in Path(folder).glob(pattern)]
    return found or pytest.skip("the package nvidia-cublas is not installed")


def test_what_the_header_declares():
    for header in installed_files("*/include/cublas_api.h"):
        text = header.read_text(encoding="utf-8")
        for name, arguments in cublas._SIGNATURES.items():
            declared = re.search(rf"\b{name}\(([^)]*)\);", text)[1]
            assert tuple(c_type(one) for one in declared.split(",")) == arguments
        assert numbers_of(text, "CUBLAS_STATUS_SUCCESS") == cublas._SUCCESS
        assert numbers_of(text, "CUBLAS_OP_N", "CUBLAS_OP_T") == (cublas._NOT_TRANSPOSED, cublas._TRANSPOSED)
        assert numbers_of(text, "CUBLAS_GEMM_DEFAULT") == cublas._DEFAULT_ALGORITHM
        computes = ("CUBLAS_COMPUTE_32F", "CUBLAS_COMPUTE_32F_FAST_TF32", "CUBLAS_COMPUTE_64F")
        expected = (cublas._COMPUTE_32, cublas._COMPUTE_TF32, cublas._COMPUTE_64)
        assert numbers_of(text, *computes) == expected


def c_type(declaration: str) -> type:
    """What a parameter is to Python; it has a type, and mostly a name."""
    if "*" in declaration:
        return ctypes.c_void_p
    return next(C_TYPES[name] for name in C_TYPES if declaration.strip().startswith(name))


def numbers_of(header: str, *names: str):
    found = tuple(int(re.search(rf"\b{name}\s*=\s*(-?\d+)", header)[1]) for name in names)
    return found if len(found) > 1 else found[0]


@pytest.mark.skipif("sys.platform != 'linux'")
def test_the_real_library_has_these_functions():
    for path in installed_files("*/lib/libcublas.so.*"):
        for part in path.parent.glob("libcublasLt.so.*"):
            ctypes.CDLL(str(part), mode=ctypes.RTLD_GLOBAL)
        library = cublas._library(str(path))
        assert library.cublasGetStatusString(0) == b"success"
