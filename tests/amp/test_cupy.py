"""Mixed precision on the CuPy backend, on a stand-in for CuPy made of NumPy: nothing here needs a GPU."""

from __future__ import annotations

import numpy as np
import pytest
from cupy_stand_in import installed

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn_backends.cupy import CupyBackend

NUMPY = tc.get_backend("numpy", overrides=False)


@pytest.fixture(scope="module")
def cupy():
    with installed() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def backend(cupy):
    return CupyBackend(overrides=False)


def trained(backend, dtype, look=lambda number: None):
    """The weights after five steps, of which the third overflows."""
    with tc.use_backend(backend):
        tc.manual_seed(0)
        model = tc.nn.Sequential(
            *[tc.nn.Conv2d(1, 3, 3), tc.nn.BatchNorm2d(3), tc.nn.ReLU(), tc.nn.MaxPool2d(2)],
            *[tc.nn.Flatten(), tc.nn.Dropout(0.25), tc.nn.Linear(27, 2)],
        )
        optimizer = tc.optim.Adam(model.parameters(), lr=0.01)
        scaler = tc.amp.GradScaler(2.0**8)
        for number in range(5):
            x, factor = tc.rand(4, 1, 8, 8), tc.tensor(np.inf if number == 2 else 1.0)
            look(number)
            with tc.amp.autocast(dtype):
                loss = F.mse_loss(model(x) * factor, tc.ones(4, 2))
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        look(5)
        assert scaler.get_scale() == 2.0**7
        return [value.numpy() for value in (*model.parameters(), *model.buffers())]


@pytest.mark.parametrize("dtype", [tc.bfloat16, tc.float16], ids=str)
def test_training_is_numpys_and_nobody_waits(backend, cupy, dtype):
    waits = []

    def look(number):
        waits.extend(cupy.synchronizations if number else ())
        cupy.synchronizations.clear()

    found, expected = trained(backend, dtype, look), trained(NUMPY, dtype)
    assert not waits
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


def test_every_function_of_the_namespace_takes_bfloat16_for_a_float(backend):
    bfloat16 = backend.array_dtype(tc.bfloat16)
    assert backend.xp.isdtype(bfloat16, "real floating")
    assert backend.xp.isdtype(bfloat16, ("integral", "real floating"))
    assert not backend.xp.isdtype(bfloat16, ("integral", "bool"))
    assert backend.xp.isdtype(np.dtype("int64"), "integral")
