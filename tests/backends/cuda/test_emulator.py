"""The GPU on the CPU itself: it notices what a kernel, or who calls it, can get wrong."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_cnn_backends.cupy.kernels import launch, random_words

WRONG = """
__device__ int last() { return blockDim.x - 1; }

__global__ void hasty(int* out) {  // reads what another thread may not have written yet
    __shared__ int shown[64];
    shown[threadIdx.x] = threadIdx.x;
    out[threadIdx.x] = shown[last() - threadIdx.x];
}
__global__ void patient(int* out) {
    __shared__ int shown[64];
    shown[threadIdx.x] = threadIdx.x;
    __syncthreads();
    out[threadIdx.x] = shown[last() - threadIdx.x];
}
__global__ void unpunctual(int* out) {  // one thread does not come where all others wait
    if (threadIdx.x == 3) return;
    __syncthreads();
    out[threadIdx.x] = 0;
}
__global__ void overreaching(int* out) { out[threadIdx.x + 1] = 0; }
__global__ void counting(int* out, int n) { out[blockIdx.x * blockDim.x + threadIdx.x] = n; }
"""


@pytest.fixture(scope="module")
def wrong(compile_for_cpu):
    return compile_for_cpu("wrong", WRONG, ["hasty", "patient", "unpunctual", "overreaching", "counting"])


def run(gpu, library, name, *args, threads=64):
    """What a kernel of 64 threads writes."""
    out = gpu.xp.empty((64,), np.int32)
    gpu.xp.launch(library, name, (1,), (threads,), (out, *args))
    return out


def test_a_forgotten_wait_shows_in_the_order_of_threads(gpu, wrong, monkeypatch):
    expected = np.arange(64)[::-1]
    first = {name: run(gpu, wrong, name) for name in ("hasty", "patient")}
    monkeypatch.setattr(gpu.xp, "descending", True)
    second = {name: run(gpu, wrong, name) for name in ("hasty", "patient")}
    np.testing.assert_array_equal(first["patient"], expected)
    np.testing.assert_array_equal(second["patient"], expected)
    assert not np.array_equal(first["hasty"], expected) or not np.array_equal(second["hasty"], expected)


def test_threads_that_would_wait_for_ever(gpu, wrong):
    with pytest.raises(RuntimeError, match="threads of unpunctual wait"):
        run(gpu, wrong, "unpunctual")


def test_writing_outside_of_an_array(gpu, wrong):
    with pytest.raises(AssertionError, match="outside of an array"):
        run(gpu, wrong, "overreaching")
    gpu.xp.made.clear()


@pytest.mark.parametrize("args", [(), (np.int64(1),), (np.float32(1),), (np.ones(1, np.int32),), (None,)])
def test_arguments_that_are_not_what_the_kernel_declares(gpu, wrong, args):
    with pytest.raises(AssertionError, match="counting"):
        run(gpu, wrong, "counting", *args)
    np.testing.assert_array_equal(run(gpu, wrong, "counting", np.int32(7)), np.full(64, 7))


def test_what_cannot_be_launched(gpu, wrong):
    with pytest.raises(AssertionError, match="no kernel"):
        run(gpu, wrong, "absent")
    with pytest.raises(AssertionError, match="as many threads"):
        run(gpu, wrong, "counting", np.int32(7), threads=1025)
    with pytest.raises(AssertionError, match="empty grid"):
        gpu.xp.launch(wrong, "counting", (0,), (64,), ())


def test_an_empty_grid_is_not_launched(gpu):
    assert random_words(gpu.xp, np.array(0), np.array(0), 0).size == 0


def test_numbers_have_the_size_that_kernels_declare():
    sizes = [launch._as_argument(value) for value in (True, 3, 0.5)]
    assert [type(value) for value in sizes] == [np.bool_, np.int64, np.float64]
    fields = launch.struct(("n", "c"), (1, 2), "int")
    assert (fields.shape, fields.nbytes, int(fields["c"])) == ((), 8, 2)
