"""How much memory there is on the device, and what to say when it is not enough.

CuPy does not give memory back to the driver: what an array leaves stays in a *pool*, for the next array.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tinygrad_cnn.backend import Array
from tinygrad_cnn.errors import OutOfMemory

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def facts(cupy: Any) -> dict[str, int]:
    """Bytes: in arrays (used), in the pool (held), of the device unused (free) and altogether (total)."""
    pool = cupy.get_default_memory_pool()
    free, total = cupy.cuda.runtime.memGetInfo()
    return {"used": pool.used_bytes(), "held": pool.total_bytes(), "free": free, "total": total}


def available(cupy: Any) -> int:
    """Bytes that arrays to come may take: of the device and of the pool."""
    now = facts(cupy)
    return now["free"] + now["held"] - now["used"]


@contextmanager
def explained(cupy: Any) -> Iterator[None]:
    """Turn CuPy's error about missing memory into the library's."""
    try:
        yield
    except cupy.cuda.memory.OutOfMemoryError as error:
        raise exhausted(cupy, error) from error


def exhausted(cupy: Any, error: MemoryError, arrays: Sequence[Array] = ()) -> OutOfMemory:
    """The error for memory that was refused while computing with these arrays."""
    now = facts(cupy)
    asked = getattr(error, "_size", None)  # CuPy says it in words only
    there = available(cupy)
    wanted = "more memory" if asked is None else readable(asked)
    return OutOfMemory(
        f"the GPU has no memory left: {wanted} was asked for",
        expected=f"at most {readable(there)}",
        got=f"{readable(now['used'])} in tensors, {readable(now['total'])} on the device",
        hint=_advice(arrays, asked or 0, now["used"], there),
    )


def _advice(arrays: Sequence[Array], asked: int, used: int, there: int) -> str:
    general = "keep fewer tensors, or a smaller model"
    batch = next((array.shape[0] for array in arrays if array.ndim > 1), 1)
    smaller = fitting_batch(batch, used + asked, used + there)
    if smaller is None:
        return general
    return f"if {batch} is the batch: {smaller}, by proportion, fits; or {general}"


def fitting_batch(batch: int, needed: int, there: int) -> int | None:
    """The largest power of two below `batch` that fits if memory grows with the batch; None if there is none.

    What does not grow with it, such as weights, is counted as if it did, so that something is left for the
    rest of the step.

    >>> fitting_batch(512, needed=10_000, there=8_000)
    256
    """
    most = min(batch - 1, batch * there // max(needed, 1))
    return 1 << (most.bit_length() - 1) if most > 0 else None


def readable(size: float) -> str:
    """Bytes in the unit that suits them.

    >>> readable(512), readable(3 * 2**29)
    ('512 B', '1.5 GiB')
    """
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.{int(unit > 0)}f} {_UNITS[unit]}"
