"""A device that is not there. Tests change what it says of itself."""

from types import SimpleNamespace

from . import _device
from ._device import (  # noqa: F401 - names of cupy.cuda
    CUDARuntimeError,
    Event,
    Graph,
    MemoryPointer,
    MemoryPool,
    Stream,
    alloc,
    get_current_stream,
    using_allocator,
)


class OutOfMemoryError(MemoryError):
    """As CuPy's: what was asked for stands in `_size`."""

    def __init__(self, size, total=0, limit=0):
        super().__init__(f"Out of memory allocating {size:,} bytes")
        self._size, self._total, self._limit = size, total, limit


class Device:
    id = 0
    compute_capability = "90"
    times_synchronized = 0

    def synchronize(self):
        Device.times_synchronized += 1
        _device.synchronize()


GIB = 2**30
POOL = SimpleNamespace(
    used_bytes=lambda: 2 * GIB, total_bytes=lambda: 3 * GIB, malloc=_device.DEFAULT_POOL.malloc
)

runtime = SimpleNamespace(
    CUDARuntimeError=CUDARuntimeError,
    getDeviceCount=lambda: 1,
    getDeviceProperties=lambda device: {"name": b"a GPU made of NumPy"},
    driverGetVersion=lambda: 13000,
    runtimeGetVersion=lambda: 13020,
    memGetInfo=lambda: (5 * GIB, 8 * GIB),
)
memory = SimpleNamespace(OutOfMemoryError=OutOfMemoryError)
nvrtc = SimpleNamespace(getVersion=lambda: (13, 2))


def get_elapsed_time(start_event, end_event):
    """Milliseconds; tests say how many."""
    return 1.0


def get_cublas_handle():
    return 1
