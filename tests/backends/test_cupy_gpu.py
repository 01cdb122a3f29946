"""The conformance kit on a real GPU: `pytest -m gpu`.

Without a GPU the tests are skipped, with the reason; TINYGRAD_CNN_REQUIRE_GPU=1 makes failures of them, for
machines that are meant to have one.
"""

from __future__ import annotations

import os

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn_backends.cupy import probe

problem = probe.find_problem()
if problem is not None and os.environ.get("TINYGRAD_CNN_REQUIRE_GPU") != "1":
    pytest.skip(f"{problem.reason}; {problem.hint}", allow_module_level=True)

# Only now: a module that is skipped half-way should not hold tests that want what comes below.
from tinygrad_cnn.testing.conformance import *  # noqa: E402, F403

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def backend():
    return tc.get_backend("cupy")


def test_the_gpu_is_idle_when_synchronized(backend):
    x = tc.ones(1000, 1000, backend=backend)
    x @ x
    backend.synchronize()
    assert backend.cupy.cuda.get_current_stream().done


def test_the_same_sums_every_time(backend):
    """Thousands of threads add to ten places: in one order, so always with the same last digits."""
    values = tc.rand(100_000, backend=backend)
    places = tc.arange(100_000, backend=backend) % 10
    first, *others = [tc.scatter_add(tc.zeros(10, backend=backend), 0, places, values) for _ in range(5)]
    assert all(bool((other == first).all()) for other in others)
