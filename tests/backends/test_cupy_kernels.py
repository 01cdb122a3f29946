"""The CuPy backend with its kernels in CUDA C++: CuPy and cuDNN by stand-ins, the kernels run by the CPU.

`cuda/` tests the kernels one by one. Here they take their places in the backend: operations find them, arrays
reach them as the engine makes them, and a network learns the same as on NumPy.
"""

from __future__ import annotations

import numpy as np
import pytest
from cudnn_stand_in import installed
from cupy_stand_in import emulator, kernels_run_by

import tinygrad_cnn as tc
from tinygrad_cnn.testing import conformance
from tinygrad_cnn.testing.samples import cases, has_gradient
from tinygrad_cnn_backends.cupy import CupyBackend
from tinygrad_cnn_backends.cupy.kernels import KERNELS


@pytest.fixture(scope="module")
def launched():
    """The names of the kernels that were started, one after the other."""
    return []


@pytest.fixture(scope="module")
def backend(libraries, launched):
    with installed() as (cupy, _), kernels_run_by(emulator().StandIn(libraries), cupy, launched):
        yield CupyBackend()


@pytest.mark.parametrize("dtype", conformance.TOLERANCE)
@pytest.mark.parametrize("case", [case for case in cases() if case.op.name in KERNELS], ids=str)
def test_operations_with_their_own_kernels(backend, case, dtype):
    conformance.test_shapes_and_dtypes_are_the_inferred_ones(backend, case, dtype)
    conformance.test_values_equal_the_readable_kernel(backend, case, dtype)
    if has_gradient(case):
        conformance.test_gradients_equal_the_readable_kernels(backend, case, dtype)


def test_random_words_of_the_kernel(backend):
    conformance.test_random_words_are_those_of_numpy(backend, 2**63 - 1, 2**40)


@pytest.mark.parametrize("wrap", [tc.capture, lambda step: step], ids=["captured", "eager"])
def test_a_network_learns_as_on_numpy(backend, launched, wrap):
    def losses(backend):
        tc.manual_seed(0)
        with tc.use_backend(backend):
            x, y = tc.rand(8, 1, 12, 12), tc.arange(8) % 3
            model = tc.nn.Sequential(
                *(tc.nn.Conv2d(1, 4, 3), tc.nn.BatchNorm2d(4), tc.nn.ReLU(), tc.nn.MaxPool2d(2)),
                *(tc.nn.Dropout(0.3), tc.nn.Flatten(), tc.nn.Linear(100, 3)),
            )
            optimizer = tc.optim.Adam(model.parameters(), lr=0.01)

            def step(x, y):
                optimizer.zero_grad()
                loss = tc.functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                return loss

            run = wrap(step)
            return [run(x, y).item() for _ in range(5)]

    launched.clear()
    np.testing.assert_allclose(losses(backend), losses("numpy"), rtol=1e-4)
    assert {"adam", "batch_norm_apply", "cross_entropy", "max_pool", "random_mask"} <= set(launched)
