"""The conformance kit, which plug-in authors run, on the backends that come with the library."""

from __future__ import annotations

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.testing.conformance import *  # noqa: F403


@pytest.fixture(params=["numpy", "scalar"], scope="module")
def backend(request):
    return tc.get_backend(request.param)
