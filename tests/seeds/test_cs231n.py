"""The convolution demo of cs231n, and the three misprints on its slides that the library's numbers find."""

from __future__ import annotations

import importlib.util
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).parent.parent.parent / "examples" / "cs231n_convolution.py"

# Both output planes before the ReLU, as the lecture notes have them without the misprint.
V = [
    [
        [0, 34, 39, 23, 35],
        [-12, 27, 48, 7, 28],
        [-2, 20, 28, 28, 5],
        [-1, 27, 41, 39, 17],
        [-6, 15, 34, 18, 35],
    ],
    [
        [-24, -18, -16, -7, -8],
        [-10, -43, -12, -12, -6],
        [-26, -3, -60, -10, -16],
        [-60, -20, -27, -45, 4],
        [-8, -3, 5, 17, 28],
    ],
]


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("cs231n_convolution", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def true_convolution(image, kernel):
    """(x ∗ w)[r, c] = Σ x[r + 1 − k, c + 1 − l] · w[k, l], with zeros outside of x: by plain loops."""
    out = np.zeros((5, 5))
    for r, c, k, l in itertools.product(range(5), range(5), range(3), range(3)):  # noqa: E741
        i, j = r + 1 - k, c + 1 - l
        if 0 <= i < 5 and 0 <= j < 5:
            out[r, c] += image[i][j] * kernel[k][l]
    return out


@pytest.mark.parametrize(("filter", "channel"), list(itertools.product(range(2), range(3))))
def test_the_plane_of_every_kernel(example, filter, channel):
    by_loops = true_convolution(example.IMAGE[channel], example.FILTERS[filter][channel])
    np.testing.assert_array_equal(example.plane(filter, channel).numpy(), by_loops)


def test_both_output_planes(example):
    v, L = example.demo()
    np.testing.assert_array_equal(v.numpy(), [V])
    planes = np.array([[example.plane(f, c).numpy() for c in range(3)] for f in range(2)])
    biases = np.reshape(example.BIASES, (2, 1, 1))
    np.testing.assert_array_equal(planes.sum(axis=1) + biases, V)
    assert L.item() == np.maximum(V, 0).sum()


def test_the_three_misprints(example):
    assert example.misprints() == [
        "(x[0] ∗ w[0][0])[4, 1] is 13, the slides print 16",
        "(x[1] ∗ w[0][1])[0, 4] is 21, the slides print 12",
        "v[0][2, 3] is 28, the slides print 48",
    ]


def test_the_example_runs(tmp_path):
    done = subprocess.run([sys.executable, PATH], capture_output=True, text=True, check=True)
    assert done.stdout.count("∗ w[") == 6 + 2
    subprocess.run([sys.executable, PATH, tmp_path / "page.html"], capture_output=True, check=True)
    assert "sliding window" in (tmp_path / "page.html").read_text(encoding="utf-8")
