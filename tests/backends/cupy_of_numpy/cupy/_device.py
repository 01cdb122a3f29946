"""What a device does later, and where: streams, graphs and memory pools.

Stricter than CUDA wherever a program could go wrong without anybody noticing:

- Work on a stream other than the default one is not done before somebody waits for it: whoever forgot to
  wait computes with rubbish. One that `hurries` finds out whether it should have waited itself.
- While a stream is being recorded nothing is computed. What needs the host (values, waiting, copies from its
  memory) is refused, and so is memory from a pool that others use. After what CUDA itself refuses, which is
  to wait, the stream accepts nothing but the end of the recording.
- A graph knows addresses and nothing else; replays read and write there, whoever it belongs to by then.
- New memory is full of rubbish, and what is given back becomes rubbish again, in the order of the stream.
"""

import itertools
import weakref
from contextlib import contextmanager
from typing import ClassVar

import numpy as np

RUBBISH, UNIT = 0xA5, 512  # a byte of rubbish; sizes are multiples of this, as in CuPy


class CUDARuntimeError(RuntimeError):
    """An error with CUDA's number for it."""

    def __init__(self, status, text="an error of CUDA's"):
        super().__init__(text)
        self.status = status


# --- streams --------------------------------------------------------------------------------------


class Event:
    """A place in a queue of work."""

    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self.stream, self.place = None, 0

    def record(self, stream=None):
        (stream or get_current_stream()).record(self)

    def synchronize(self):
        _refuse_while_recording("to wait for an event", by_cuda=True)
        if self.stream is not None:
            self.stream.work_off(self.place)


class Stream:
    """A queue of work; the default one does everything at once."""

    hurries = False  # True: does at once what the default one does at once
    all: ClassVar[weakref.WeakSet] = weakref.WeakSet()
    _numbers = itertools.count(0)

    def __init__(self, null=False, non_blocking=False, ptds=False):
        self.ptr = next(Stream._numbers) * 64
        self.is_non_blocking = non_blocking
        self.captures = False
        self._nodes, self._is_valid = None, True
        self._queue, self._done = [], 0
        Stream.all.add(self)

    @property
    def is_late(self):
        """Whether work is not done as soon as it is asked for."""
        return self._nodes is not None or not (self.ptr == 0 or self.hurries)

    def submit(self, work):
        if self._nodes is not None:
            self._nodes.append(work)
        elif not self.is_late:
            work()
        else:
            self._queue.append(work)

    def work_off(self, place=None):
        """Do what has been asked up to a place."""
        until = len(self._queue) if place is None else place - self._done
        todo, self._queue = self._queue[: max(until, 0)], self._queue[max(until, 0) :]
        self._done += len(todo)
        for work in todo:
            work()

    def record(self, event=None):
        _refuse_while_recording("an event between streams", (self,))
        if not self._is_valid:
            raise CUDARuntimeError(901, "cudaErrorStreamCaptureInvalidated")
        event = Event() if event is None else event
        event.stream, event.place = self, self._done + len(self._queue)
        return event

    def wait_event(self, event):
        _refuse_while_recording("an event between streams", (self, event.stream))
        if event.stream is not None and event.stream is not self:
            stream, place = event.stream, event.place
            self.submit(lambda: stream.work_off(place))

    def synchronize(self):
        _refuse_while_recording("to wait for a stream", by_cuda=True)
        self.work_off()

    @property
    def done(self):
        return not self._queue

    # --- graphs

    def begin_capture(self, mode=None):
        if self.ptr == 0:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        if not self.is_non_blocking:
            raise RuntimeError("the default stream, should anybody use it, would have to wait for this one")
        self._nodes = []

    def end_capture(self):
        if self._nodes is None:
            raise CUDARuntimeError(901, "cudaErrorIllegalState: the stream is not capturing")
        (nodes, self._nodes), (was_valid, self._is_valid) = (self._nodes, None), (self._is_valid, True)
        if not was_valid:
            raise CUDARuntimeError(901, "cudaErrorStreamCaptureInvalidated")
        return Graph(nodes)

    def is_capturing(self):
        if not self._is_valid:
            raise RuntimeError("the stream was capturing, but an error has invalidated the capture sequence")
        return self.captures or self._nodes is not None

    # --- the stream in force

    def __enter__(self):
        _streams.append(self)
        return self

    def __exit__(self, *exception):
        _streams.pop()


class Graph:
    """Work that was written down."""

    def __init__(self, nodes):
        self.nodes = nodes
        self.launches = 0

    def launch(self, stream=None):
        _refuse_while_recording("a graph inside of a graph")
        self.launches += 1
        (stream or get_current_stream()).submit(self._replay)

    def _replay(self):
        for work in self.nodes:
            work()


Stream.null = Stream(null=True)
_streams = [Stream.null]


def get_current_stream():
    return _streams[-1]


def synchronize():
    _refuse_while_recording("to wait for the device", by_cuda=True)
    for stream in list(Stream.all):
        stream.work_off()


def wait():
    """The host wants a value: it waits for the stream in force, and for no other."""
    _refuse_while_recording("to look at a value")
    get_current_stream().work_off()


def refuse_host_memory():
    _refuse_while_recording("a copy from the host's memory", (get_current_stream(),))


def _refuse_while_recording(what, streams=None, *, by_cuda=False):
    """Refuse, as CuPy does before CUDA is asked, or as CUDA does, after which the recording is void."""
    for stream in list(Stream.all) if streams is None else streams:
        if stream is not None and stream._nodes is not None:
            stream._is_valid &= not by_cuda
            raise CUDARuntimeError(900, f"operation not permitted when stream is capturing: {what}")


# --- memory ---------------------------------------------------------------------------------------

# Memory is never given back to the operating system: an address that is used too late leads to rubbish.
_segments = []


class Block:
    """Memory of one array; when nobody refers to it any more, its pool may give it to others."""

    def __init__(self, pool, stream, ptr, size):
        self.pool, self.stream, self.ptr, self.size = weakref.ref(pool), stream, ptr, size
        # NumPy's arrays of this memory keep this object, as CuPy's do.
        self.__array_interface__ = _interface(ptr, size)

    def __del__(self):
        pool = self.pool()
        memory = np.asarray(_At(self.ptr, self.size))
        if not self.stream.hurries:  # that would be before others have read what they were asked to
            self.stream.submit(lambda: memory.fill(RUBBISH))
        if pool is not None:
            pool._give_back(self.stream, self.ptr, self.size)


class MemoryPointer:
    """What an allocator returns: an address, and what keeps the memory."""

    def __init__(self, mem):
        self.mem, self.ptr = mem, mem.ptr


class MemoryPool:
    """As CuPy's: the smallest free piece that is large enough, and only what the same stream gave back."""

    is_growing = False

    def __init__(self, allocator=None):
        self._allocator = allocator
        self._held = []  # what the pool has asked for
        self._free = {}  # by stream: pieces (segment, address, size)
        self._pieces = {}  # in use, by address

    def malloc(self, size):
        stream, size = get_current_stream(), -(-max(size, 1) // UNIT) * UNIT
        if self._allocator is None and not MemoryPool.is_growing:
            _refuse_while_recording("memory that anybody may get afterwards", (stream,))
        free = self._free.setdefault(stream.ptr, [])
        fitting = [piece for piece in free if piece[2] >= size]
        piece = min(fitting, key=lambda piece: (piece[2], piece[1]), default=None)
        if piece is None:
            piece = self._grown(size)
        else:
            free.remove(piece)
        segment, ptr, there = piece
        if there > size:
            free.append((segment, ptr + size, there - size))
        self._pieces[ptr] = segment
        return MemoryPointer(Block(self, stream, ptr, size))

    def _grown(self, size):
        if self._allocator is not None:
            # Also while recording, as CuPy records in CUDA's relaxed mode: nobody else gets this memory.
            MemoryPool.is_growing = True
            try:
                self._held.append((self._allocator(size), size))
            finally:
                MemoryPool.is_growing = False
        else:
            memory = np.full(size + UNIT, RUBBISH, np.uint8)
            _segments.append(memory)
            start = -(-memory.ctypes.data // UNIT) * UNIT
            self._held.append((Place(start), size))
        return len(self._held), self._held[-1][0].ptr, size

    def _give_back(self, stream, ptr, size):
        """Neighbours of one segment become one piece again."""
        segment, free = self._pieces.pop(ptr), self._free.setdefault(stream.ptr, [])
        for piece in [piece for piece in free if piece[0] == segment]:
            if piece[1] + piece[2] == ptr:
                free.remove(piece)
                ptr, size = piece[1], piece[2] + size
            elif ptr + size == piece[1]:
                free.remove(piece)
                size += piece[2]
        free.append((segment, ptr, size))

    def free_all_blocks(self, stream=None):
        """Whole segments that nobody uses go back to where they came from."""
        for free in self._free.values():
            for segment, ptr, size in list(free):
                held = self._held[segment - 1]
                if held is not None and (held[0].ptr, held[1]) == (ptr, size):
                    free.remove((segment, ptr, size))
                    self._held[segment - 1] = None

    def total_bytes(self):
        return sum(held[1] for held in self._held if held is not None)

    def used_bytes(self):
        free = sum(piece[2] for pieces in self._free.values() for piece in pieces)
        return self.total_bytes() - free


class Place:
    def __init__(self, ptr):
        self.ptr = ptr


class _At:
    """Memory at an address, whoever it belongs to."""

    def __init__(self, ptr, size):
        self.__array_interface__ = _interface(ptr, size)


def _interface(ptr, size):
    return {"version": 3, "shape": (size,), "typestr": "|u1", "data": (ptr, False)}


DEFAULT_POOL = MemoryPool()
_allocators = [DEFAULT_POOL.malloc]


@contextmanager
def using_allocator(allocator=None):
    _allocators.append(allocator)
    try:
        yield
    finally:
        _allocators.pop()


def alloc(size):
    """Memory from the allocator in force."""
    return _allocators[-1](size)


def new(shape, dtype, strides=None):
    """An array of rubbish, from the allocator in force."""
    dtype = np.dtype(dtype)
    nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    memory = np.asarray(alloc(nbytes).mem)
    return np.ndarray(shape, dtype, memory, strides=strides if nbytes else None)


def is_placed(array):
    """Whether an array looks at the device's memory."""
    while array is not None and not isinstance(array, Block):
        array = getattr(array, "base", None)
    return array is not None


def by_address(array):
    """The same memory, which is not kept by it: what a kernel knows of an array."""
    before, size = _extent(array)
    memory = np.asarray(_At(array.ctypes.data - before, size))
    return np.ndarray(array.shape, array.dtype, memory, before, array.strides) if array.size else array


def zeros_like(array):
    """Zeros that lie as the array does, also where it has gaps or repeats itself."""
    before, size = _extent(array)
    return np.ndarray(array.shape, array.dtype, np.zeros(size, np.uint8), before, array.strides)


def _extent(array):
    """Bytes of the memory before the first element, and altogether."""
    reach = [step * (size - 1) for step, size in zip(array.strides, array.shape, strict=True) if size]
    return -sum(step for step in reach if step < 0), sum(map(abs, reach)) + array.itemsize
