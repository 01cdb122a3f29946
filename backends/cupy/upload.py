"""Batches that were made on the host, on their way to the device.

CuPy brings an array over without waiting: it copies it into *pinned* memory, which the operating system
leaves in its place so that the GPU can fetch from it, asks for the copy, and keeps the pinned memory until
that has happened. But what is asked of one stream is done in order, so the copy would begin when the training
step before it has ended. A GPU copies and computes with different parts of itself; with a second stream, both
work at once.

Two things have to be said then, by events. The computing waits until the batch is there. And memory that the
copying stream made is its own to use again as soon as nothing in Python refers to it, without regard to other
streams; so the next copy waits until the batch before has been taken out of it. That is why a batch is copied
once more, on the device: the memory it arrives in is only passed through.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from tinygrad_cnn.backend import Array

# Bytes; a copy of fewer has ended before two streams have waited for each other.
LEAST = 1 << 16


class Uploads:
    """Copies to the device beside its computing. Made for one device, the first one that it is used on.

    Args:
        cupy: the module.
    """

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy

    def __call__(self, host: NDArray[Any]) -> Array:
        """A copy of the array, row by row, for what is asked of the stream in force after this."""
        if host.nbytes < LEAST:
            return self._cupy.array(host, order="C")
        stream = self._stream
        with stream:
            passing = self._cupy.array(host, order="C")
        computing = self._cupy.cuda.get_current_stream()
        computing.wait_event(stream.record(self._arrived))
        array = passing.copy()
        stream.wait_event(computing.record(self._taken))
        return array

    @cached_property
    def _stream(self) -> Any:
        # "Non-blocking" is about CUDA's default stream, for which any other would wait.
        return self._cupy.cuda.Stream(non_blocking=True)

    # An event can be recorded again: whoever waits for it waits for what it was when they were told to.

    @cached_property
    def _arrived(self) -> Any:
        return self._cupy.cuda.Event(disable_timing=True)

    @cached_property
    def _taken(self) -> Any:
        return self._cupy.cuda.Event(disable_timing=True)
