"""Batches by the kernel of batch.cu, run on the CPU, against the same done to arrays by the transforms."""

from __future__ import annotations

import re
import shutil
import subprocess

import numpy as np
import pytest
from data.chains import chains, images_of
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_arrays import seeds

import tinygrad_cnn as tc
from tinygrad_cnn.data import ArrayDataset, Compose, Cutout, DataLoader, Normalize, RandomCrop, ToFloat
from tinygrad_cnn.data._random import generator
from tinygrad_cnn.data.sketch import SOURCES, Sketch
from tinygrad_cnn.data.transforms import sketched
from tinygrad_cnn_backends.cupy.kernels import batch, gather_images, launch, layout
from tinygrad_cnn_backends.numpy import NumpyBackend


def by_kernel(gpu, source, numbers, transform, seed):
    rng = np.random.default_rng(seed)
    sketch = sketched(transform, Sketch.of((len(numbers), *source.shape[1:]), source.dtype.name), rng)
    statistics = None if sketch.statistics is None else np.array(sketch.statistics, np.float32)
    moves = sketch.moves if sketch.is_altered else None
    return gather_images(gpu, source, numbers, moves, statistics, size=sketch.size, hole=sketch.hole)


@given(st.data(), seeds, st.sampled_from(SOURCES), st.booleans())
@settings(deadline=None)
def test_the_kernel_makes_the_bits_that_the_transforms_make(gpu, data, seed, dtype, channels_last):
    source = images_of(dtype, (11, data.draw(st.integers(1, 3)), 6, 7), seed)
    transform = data.draw(chains(source.shape, dtype))
    numbers = np.random.default_rng(seed).integers(len(source), size=data.draw(st.integers(0, 5)))
    expected = transform(source[numbers], np.random.default_rng(seed))
    if channels_last:
        source = np.moveaxis(np.moveaxis(source, 1, -1).copy(), -1, 1)
    found = by_kernel(gpu, source, numbers, transform, seed)
    assert found.dtype == np.float32
    assert layout.is_channels_last(found) == (channels_last and source.shape[1] > 1)
    np.testing.assert_array_equal(found.view(np.uint32), expected.view(np.uint32))


class Keeping(NumpyBackend):
    """NumPy as if its memory were elsewhere."""

    def __init__(self, xp):
        super().__init__(overrides=False)
        self.xp = xp
        self.kernels = {"gather_images": gather_images}

    def keeps(self, nbytes):
        return True


def test_a_loader_finds_the_kernel(gpu, monkeypatch):
    monkeypatch.setattr(DataLoader, "_on_host", lambda *_: pytest.fail("a batch was made on the host"))
    launched = []
    monkeypatch.setattr(batch, "launch", lambda *args: (launched.append(args[1]), launch.launch(*args)))
    dataset = ArrayDataset(images_of("uint8", (10, 1, 4, 5), seed=0), range(10))
    transform = Compose([RandomCrop(4, padding=1), ToFloat(), Normalize([0.4], [0.3]), Cutout(2)])
    with tc.use_backend(Keeping(gpu.xp)):
        (found, labels), _ = DataLoader(dataset, 6, shuffle=True, transform=transform)
    assert launched == ["gather_images"] * 2
    expected = transform(dataset.images[labels.numpy()], generator(seed=0, epoch=0, purpose=1))
    np.testing.assert_array_equal(found.numpy(), expected)


def test_floats_as_they_are(gpu):
    source = images_of("float32", (4, 2, 3, 5), seed=0)
    numbers = np.array([3, 0, 3])
    np.testing.assert_array_equal(by_kernel(gpu, source, numbers, Compose([]), seed=0), source[numbers])


@pytest.mark.parametrize("index", ["int", "long long"])
def test_every_step_is_rounded_by_itself(index, tmp_path):
    """As NVIDIA's compiler has it, with the option that CuPy adds: exact division, nothing fused."""
    if shutil.which("nvcc") is None:
        pytest.skip("nvcc is not installed; it would show what the GPU is told to do")
    path = tmp_path / "batch.cu"
    instance = f"template __global__ void gather_images<unsigned char, {index}>"
    arguments = (
        f"(const unsigned char*, Strides<{index}>, const long long*, const Move*, const float*, float*, "
        f"Images<{index}>)"
    )
    path.write_text(f"{launch.read_source('batch.cu')}\n{instance}{arguments};\n", encoding="utf-8")
    ptx = path.with_suffix(".ptx")
    command = ["nvcc", "-std=c++17", "-ftz=true", "-ptx", "-arch=sm_80", "-o", str(ptx), str(path)]
    subprocess.run(command, check=True, capture_output=True)
    instructions = re.findall(r"^\s*(?:@\S+ )?([a-z]+[\w.]*\.f32)\b", ptx.read_text(), re.MULTILINE)
    arithmetic = {name for name in instructions if not name.startswith(("ld", "st", "mov", "selp", "cvt"))}
    assert arithmetic == {"div.rn.ftz.f32", "sub.ftz.f32"}
