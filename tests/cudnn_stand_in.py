"""cuDNN made of NumPy (`backends/cudnn_of_numpy`) beside CuPy made of NumPy, for as long as a test takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import cupy_stand_in

FOLDER = Path(__file__).parent / "backends" / "cudnn_of_numpy"


@contextmanager
def installed() -> Iterator[tuple[Any, Any]]:
    """`import cupy` and `import cudnn` find the stand-ins: (cupy, cudnn)."""
    real = sys.modules.pop("cudnn", None)
    sys.path.insert(0, str(FOLDER))
    try:
        with cupy_stand_in.installed() as cupy:
            cudnn = import_module("cudnn")
            _introduce(cupy, cudnn)
            yield cupy, cudnn
    finally:
        sys.path.remove(str(FOLDER))
        sys.modules.pop("cudnn", None)
        if real is not None:
            sys.modules["cudnn"] = real


def _introduce(cupy: Any, cudnn: Any) -> None:
    """Let cuDNN's stand-in know the memory there is, and the stream that its work is done on."""
    allocate = cupy.cuda.alloc

    def alloc(size: int) -> Any:
        memory = allocate(size)
        cudnn.state.workspaces[memory.ptr] = size
        return memory

    def submit(stream: int, work: Any) -> None:
        current = cupy.cuda.get_current_stream()
        assert current.ptr == stream, "the handle is still on another stream"
        current.submit(work)

    cupy.cuda.alloc = alloc
    cudnn.state.submit = submit
