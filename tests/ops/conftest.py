"""Every operation meets the NumPy backend twice: with its fast kernels and with the readable ones."""

from __future__ import annotations

import pytest

import tinygrad_cnn as tc


@pytest.fixture(params=["fast kernels", "readable kernels"])
def backend(request):
    with tc.use_backend("numpy", overrides=request.param == "fast kernels") as chosen:
        yield chosen
