"""Batches on the CuPy backend: data sets that stay on the device, and copies beside the computing.

No GPU is needed, none is tested. The first half runs on the stand-in for CuPy and looks at what travels. The
second half needs no numbers at all: it is about the order in which streams may touch memory, and a model of
streams (`Device`) refuses what CUDA would let happen: that one reads what another has not written yet, or
writes where another still reads.
"""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace

import numpy as np
import pytest
from cupy_stand_in import installed

import tinygrad_cnn as tc
from tinygrad_cnn.data import (
    ArrayDataset,
    Compose,
    Cutout,
    DataLoader,
    Normalize,
    RandomCrop,
    RandomHorizontalFlip,
    Subset,
    TensorDataset,
    ToFloat,
)
from tinygrad_cnn_backends.cupy import CupyBackend
from tinygrad_cnn_backends.cupy.kernels import gather_images
from tinygrad_cnn_backends.cupy.upload import LEAST, Uploads

COUNT, BATCH = 100, 16
AUGMENT = Compose(
    [RandomCrop(8, padding=2), RandomHorizontalFlip(), ToFloat(), Normalize([0.3], [0.2]), Cutout(3)]
)


@pytest.fixture(scope="module")
def cupy():
    with installed() as stand_in:
        yield stand_in


@pytest.fixture
def backend(cupy):
    return CupyBackend(overrides=False)


@pytest.fixture
def travelled(cupy, monkeypatch):
    """The bytes of every array that is copied from the host."""
    sizes = []
    copy = cupy.array

    def noted(obj, *args, **kwargs):
        if isinstance(obj, np.ndarray):
            sizes.append(obj.nbytes)
        return copy(obj, *args, **kwargs)

    monkeypatch.setattr(cupy, "array", noted)
    return sizes


def data_set():
    images = np.random.default_rng(0).integers(256, size=(COUNT, 1, 8, 8), dtype=np.uint8)
    return ArrayDataset(images, np.arange(COUNT) % 10)


def epochs(dataset, backend, **options):
    loader = DataLoader(dataset, BATCH, **options)
    with tc.use_backend(backend):
        return [list(loader) for _ in range(2)]


def assert_same(found, expected):
    for epoch, other in zip(found, expected, strict=True):
        for batch, reference in zip(epoch, other, strict=True):
            for tensor, expected_tensor in zip(batch, reference, strict=True):
                assert tensor.dtype is expected_tensor.dtype
                assert tensor.numpy().tobytes() == expected_tensor.numpy().tobytes()


# --- data sets that stay --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "transform", [None, Compose([ToFloat(), Normalize([0.3], [0.2])]), AUGMENT], ids=repr
)
@pytest.mark.parametrize("options", [{}, {"shuffle": True, "seed": 9, "drop_last": True}], ids=str)
def test_batches_are_those_of_numpy_bit_for_bit(backend, transform, options):
    for dataset in (data_set(), Subset(data_set(), range(COUNT - 1, 0, -3))):
        found = epochs(dataset, backend, transform=transform, **options)
        assert {tensor.backend for epoch in found for batch in epoch for tensor in batch} == {backend}
        assert_same(found, epochs(dataset, "numpy", transform=transform, **options))


def test_an_epoch_waits_for_nothing_and_copies_nothing_but_draws(backend, cupy, travelled):
    dataset = data_set()
    cupy.synchronizations.clear()
    epochs(dataset, backend, shuffle=True, transform=AUGMENT)
    assert not cupy.synchronizations
    once, statistics, order = [dataset.images.nbytes, dataset.labels.nbytes], [8], [8 * COUNT]
    draws = [5 * 4 * BATCH] * (COUNT // BATCH) + [5 * 4 * (COUNT % BATCH)]
    assert travelled == [*once, *statistics, *order, *draws, *statistics, *order, *draws]


def test_without_chance_only_the_order_is_copied(backend, travelled):
    dataset = data_set()
    epochs(dataset, backend, transform=Compose([ToFloat()]))
    assert travelled == [dataset.images.nbytes, dataset.labels.nbytes, 8 * COUNT, 8 * COUNT]


def test_tensors_that_are_on_the_device_stay_there(backend, travelled):
    with tc.use_backend(backend):
        dataset = TensorDataset(tc.rand(COUNT, 4), tc.zeros(COUNT))
    travelled.clear()
    epochs(dataset, backend, shuffle=True)
    assert travelled == [8 * COUNT, 8 * COUNT]


def test_the_kernel_makes_the_batches(cupy):
    """It is in its place, and gets what it is written for; `cuda/test_batch.py` runs it."""
    backend = CupyBackend()
    assert backend.kernels["gather_images"] is gather_images
    calls = []

    def noted(B, source, numbers, moves, statistics, *, size, hole):
        calls.append([(part.dtype.name, part.shape) for part in (source, numbers, moves, statistics)])
        assert (size, hole) == ((8, 8), 3)
        return B.xp.zeros((numbers.shape[0], 1, *size), dtype=B.xp.float32)

    backend.kernels = {**backend.kernels, "gather_images": noted}
    epochs(data_set(), backend, transform=AUGMENT)
    source, statistics = ("uint8", (COUNT, 1, 8, 8)), ("float32", (2, 1))
    assert calls[0] == [source, ("int64", (BATCH,)), ("int32", (BATCH, 5)), statistics]
    assert len(calls) == 2 * -(-COUNT // BATCH)


def test_a_quarter_of_what_is_free_is_for_data(backend):
    """The stand-in has 5 GiB free, and 3 in its pool, of which 2 are used."""
    quarter = 6 * 2**30 // 4
    assert backend.keeps(quarter)
    assert not backend.keeps(quarter + 1)


def test_a_data_set_that_is_too_large_goes_over_in_batches(backend, cupy, travelled, monkeypatch):
    monkeypatch.setattr(cupy.cuda.runtime, "memGetInfo", lambda: (0, 2**30))
    monkeypatch.setattr(
        cupy, "get_default_memory_pool", lambda: SimpleNamespace(used_bytes=int, total_bytes=int)
    )
    dataset = data_set()
    assert_same(epochs(dataset, backend, transform=AUGMENT), epochs(dataset, "numpy", transform=AUGMENT))
    assert max(travelled) == 4 * BATCH * 8 * 8


def test_batches_of_the_users_own_are_uploaded(backend, cupy, monkeypatch):
    shapes = []

    def upload(host):
        shapes.append(host.shape)
        return cupy.array(host)

    monkeypatch.setattr(backend, "_uploads", upload)
    own = {"transform": lambda images, rng: images / np.float32(255)}
    assert_same(epochs(data_set(), backend, **own), epochs(data_set(), "numpy", **own))
    assert shapes[:2] == [(BATCH, 1, 8, 8), (BATCH,)]


def test_large_batches_arrive_with_their_numbers(backend):
    """On the stand-in's streams, which do what they are asked as late as they may."""
    batches = [np.full((2, LEAST // 8), number, np.float32) for number in range(5)]
    uploaded = [backend.upload(batch, tc.float32) for batch in batches]
    np.testing.assert_array_equal([backend.to_numpy(array) for array in uploaded], batches)


# --- copies beside the computing ------------------------------------------------------------------


class Race(AssertionError):
    """Two streams touch the same memory in no order."""


class Device:
    """As much of `cupy` as uploads ask for: streams, events, and memory that is used again.

    Every stream counts what it did, and knows how far the others had come when it waited for them.
    """

    def __init__(self):
        self.free = defaultdict(list)  # memory to use again, by the stream that made it
        self.writes = []  # by copies from the host: the stream's knowledge at that time
        self.stream = Stream(self)
        self.cuda = SimpleNamespace(
            Stream=lambda non_blocking: Stream(self, non_blocking),
            Event=lambda disable_timing: SimpleNamespace(known={}),
            get_current_stream=lambda: self.stream,
        )

    def array(self, host, order):
        found = Memory(self)
        found.write()
        self.writes.append(dict(self.stream.known))
        return found


class Stream:
    def __init__(self, device, non_blocking=False):
        self.device, self.non_blocking = device, non_blocking
        self.known = defaultdict(int)  # how far each stream has come, for all that this one knows

    def __enter__(self):
        self.before, self.device.stream = self.device.stream, self

    def __exit__(self, *exception):
        self.device.stream = self.before

    def record(self, event):
        event.known = dict(self.known)
        return event

    def wait_event(self, event):
        for stream, done in event.known.items():
            self.known[stream] = max(self.known[stream], done)

    def work(self):
        """Do something; its place in the order of things."""
        self.known[self] += 1
        return self, self.known[self]

    def check(self, place):
        stream, done = place
        if self.known[stream] < done:
            raise Race


class Memory:
    """An array: what was used before by the same stream, or new."""

    def __init__(self, device):
        self.device, self.owner = device, device.stream
        self.touched = device.free[self.owner].pop() if device.free[self.owner] else []

    def __del__(self):
        self.device.free[self.owner].append(self.touched)

    def write(self):
        for place in self.touched:
            self.device.stream.check(place)
        self.touched[:] = [self.device.stream.work()]

    def read(self):
        self.device.stream.check(self.touched[0])
        self.touched.append(self.device.stream.work())

    def copy(self):
        copied = Memory(self.device)
        self.read()
        copied.write()
        return copied


LARGE = np.zeros(LEAST, np.uint8)


def train(device, steps=5, kept=()):
    """Upload batches and compute with each; those numbered in `kept` stay alive."""
    uploads, alive, ends = Uploads(device), [], []
    for number in range(steps):
        batch = uploads(LARGE)
        batch.read()
        ends.append(device.stream.work())
        if number in kept:
            alive.append(batch)
    for batch in alive:
        batch.read()
    return ends


@pytest.mark.parametrize("kept", [(), (0,), range(5)], ids=str)
def test_no_stream_touches_what_another_is_still_busy_with(kept):
    train(Device(), kept=kept)


def test_a_batch_is_copied_while_the_step_before_computes():
    device = Device()
    ends = train(device)
    assert len(device.writes) == 5
    for (computing, end), known in zip(ends, device.writes[1:], strict=False):
        assert known.get(computing, 0) < end  # it does not wait for the end of that step


@pytest.mark.parametrize(
    "which", [0, 1], ids=["computing waits for the copy", "the copy waits for computing"]
)
def test_either_wait_is_needed(monkeypatch, which):
    """Without it the model sees a race, so the test above could fail."""
    wait, calls = Stream.wait_event, []

    def forgetful(stream, event):
        calls.append(stream)
        if len(calls) % 2 != (which + 1) % 2:
            wait(stream, event)

    monkeypatch.setattr(Stream, "wait_event", forgetful)
    with pytest.raises(Race):
        train(Device())


def test_the_copying_stream_does_not_wait_for_the_default_stream():
    device = Device()
    Uploads(device)(LARGE)
    (copying,) = device.writes[0]
    assert copying is not device.stream
    assert copying.non_blocking


def test_small_arrays_take_no_second_stream():
    device = Device()
    Uploads(device)(LARGE[1:]).read()
    assert set(device.writes[0]) == {device.stream}
