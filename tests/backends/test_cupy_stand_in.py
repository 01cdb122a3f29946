"""The stand-in for a device notices what goes wrong on a GPU without a word: streams, memory and graphs."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from cupy_stand_in import installed


@pytest.fixture(scope="module")
def cupy():
    with installed() as stand_in:
        yield stand_in


@pytest.fixture
def recording(cupy):
    """A stream that is being recorded, with memory of its own that has been used before."""
    stream, pool = cupy.cuda.Stream(non_blocking=True), cupy.cuda.MemoryPool(cupy.cuda.POOL.malloc)
    with stream, cupy.cuda.using_allocator(pool.malloc):
        warm = [cupy.zeros((8,)) for _ in range(4)]
        del warm
        stream.begin_capture()
        yield stream
        with suppress(cupy.cuda.runtime.CUDARuntimeError):  # it may have been ended, or be void
            stream.end_capture()


def test_work_of_another_stream_is_done_when_somebody_waits(cupy):
    stream = cupy.cuda.Stream()
    with stream:
        x = cupy.zeros((2,))
    assert (x.get() != 0).all()  # too early
    cupy.cuda.Stream.null.wait_event(stream.record())
    assert x.get().tolist() == [0.0, 0.0]


def test_memory_that_was_given_back_is_rubbish(cupy):
    x = cupy.zeros((2,))
    at_its_place = cupy._device.by_address(x._host)
    assert (at_its_place == 0).all()
    del x
    assert (at_its_place != 0).all()


def test_a_pool_hands_out_what_it_got_back_to_the_same_stream(cupy):
    pool = cupy.cuda.MemoryPool(cupy.cuda.POOL.malloc)
    place = pool.malloc(600).ptr
    assert pool.total_bytes() == 1024
    assert pool.malloc(400).ptr == place
    with cupy.cuda.Stream():
        assert pool.malloc(400).ptr != place
    assert pool.used_bytes() == 0
    assert pool.malloc(1000).ptr == place  # the pieces are one again
    pool.free_all_blocks()
    assert pool.total_bytes() == 0


def test_nothing_is_computed_while_recording(cupy, recording):
    x = cupy.full((2,), 3.0)
    y = x * 2
    graph = recording.end_capture()
    assert len(graph.nodes) == 2
    assert (y._host != 6).all()
    graph.launch()
    recording.synchronize()
    assert y.get().tolist() == [6.0, 6.0]


def test_a_graph_writes_where_it_wrote(cupy, recording):
    """Also if that belongs to somebody else by now."""
    x = cupy.full((2,), 3.0)
    graph = recording.end_capture()
    del x
    other = cupy.zeros((2,))
    graph.launch()
    assert other.get().tolist() == [3.0, 3.0]


REFUSED = {
    "a value": lambda cupy, x: float(x[0]),
    "all values": lambda cupy, x: x.get(),
    "how many": lambda cupy, x: cupy.nonzero(x),
    "a mask as an index": lambda cupy, x: x[x > 0],
    "a copy from the host": lambda cupy, x: cupy.array(np.ones(2)),
    "waiting for the device": lambda cupy, x: cupy.cuda.Device().synchronize(),
    "waiting for a stream": lambda cupy, x: cupy.cuda.get_current_stream().synchronize(),
}


@pytest.mark.parametrize("work", REFUSED.values(), ids=REFUSED)
def test_what_needs_the_host_is_refused_while_recording(cupy, recording, work):
    x = cupy.zeros((2,))
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="not permitted when stream is capturing"):
        work(cupy, x)


def test_a_recording_that_cuda_has_declared_void_can_only_be_ended(cupy, recording):
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError):
        recording.synchronize()
    with pytest.raises(RuntimeError, match="invalidated"):
        recording.is_capturing()
    for ask in (recording.record, recording.end_capture):
        with pytest.raises(RuntimeError):
            ask()
    assert not recording.is_capturing()


def test_memory_that_others_may_get_is_refused_while_recording(cupy, recording):
    with (
        cupy.cuda.using_allocator(cupy.cuda.POOL.malloc),
        pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="memory that anybody may get"),
    ):
        cupy.zeros((2,))


def test_a_pool_of_its_own_may_grow_while_recording(cupy, recording):
    x = cupy.full((100_000,), 2.0)
    graph = recording.end_capture()
    graph.launch()
    assert (x.get() == 2).all()


def test_only_a_stream_that_nobody_waits_for_is_recorded(cupy):
    with pytest.raises(RuntimeError, match="default"):
        cupy.cuda.Stream.null.begin_capture()
    with pytest.raises(RuntimeError, match="default stream"):
        cupy.cuda.Stream().begin_capture()
