"""What nothing on this GPU can exceed: copying memory, and multiplying large matrices, measured here and now.

Data sheets give higher figures, for clocks that a GPU under load does not keep. So a step is compared with
what a plain copy and one product of 8192 × 8192 matrices reach in the same run, through our own backend.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from turns import in_fresh_process

from gpu_parts.run import Measured, Row, Run, Say, Tables, rounding

KEY = ("what", "precision")

_COPIED = 1 << 30  # bytes
_SIZE = 8192
_TINY_COPIED, _TINY_SIZE = 1 << 22, 256  # of a dry run
_TIMES = 5


def measure(run: Run, say: Say) -> Measured:
    """How fast memory is copied; how fast matrices are multiplied, in each precision."""
    say("limits: copying memory")
    yield in_fresh_process(_copying, run.dry_run)
    for precision in run.precisions:
        say(f"limits: multiplying matrices in {precision}")
        yield in_fresh_process(_multiplying, precision, run.dry_run)


def tables(rows: list[Row], found: dict[str, Any]) -> Tables:
    dry_run = found["dry_run"]
    if rows:
        body = [
            [f"{row['what']} {rounding(row['precision'], dry_run=dry_run)}".strip(), _shown(row)]
            for row in rows
        ]
        title = f"limits of {'NumPy on this processor, tiny arrays' if dry_run else 'the GPU'}"
        yield title, [["", "at most"], *body], []


def of(rows: list[Row], what: str, precision: str = "") -> float | None:
    """Bytes or floating-point operations a second, None if they have not been measured."""
    found = (row.get("per_second") for row in rows if (row["what"], row["precision"]) == (what, precision))
    return next(found, None)


def _shown(row: Row) -> str:
    if "left_out" in row:
        return f"not measured: {row['left_out']}"
    speed = row["per_second"]
    if row["what"] == "copy":
        return f"{speed / 1e9:,.1f} GB/s, read and written"
    return f"{speed / 1e12:,.2f} TFLOP/s" if speed >= 1e12 else f"{speed / 1e9:,.2f} GFLOP/s"


def _copying(dry_run: bool) -> Row:
    from peers import gpu_ours

    import tinygrad_cnn as tc

    backend = gpu_ours.device("float32", dry_run=dry_run)
    count = (_TINY_COPIED if dry_run else _COPIED) // 4
    source, target = (backend.full((count,), 1.0, tc.float32) for _ in range(2))
    seconds = _seconds(backend, lambda: backend.assign(target, source))
    return {"what": "copy", "precision": "", "per_second": 2 * 4 * count / seconds}


def _multiplying(precision: str, dry_run: bool) -> Row:
    import numpy as np
    from peers import gpu_ours

    import tinygrad_cnn as tc

    row = {"what": "product", "precision": precision}
    backend = gpu_ours.device(precision, dry_run=dry_run)
    size = _TINY_SIZE if dry_run else _SIZE
    # Numbers like any: zeros would need less power, and let the clocks rise.
    numbers = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)
    try:
        dtype = tc.bfloat16 if precision == "bfloat16" else tc.float32
        x, y = (tc.tensor(numbers, backend=backend).to(dtype).array for _ in range(2))
    except (AttributeError, tc.errors.TinygradCNNError) as problem:
        return {**row, "left_out": str(problem).splitlines()[0]}
    seconds = _seconds(backend, lambda: backend.xp.matmul(x, y))
    return {**row, "per_second": 2 * size**3 / seconds}


def _seconds(backend: Any, work: Callable[[], Any]) -> float:
    """Seconds for doing it once: the median of a few stretches, after one that is not counted."""
    stretches = []
    for _ in range(_TIMES + 1):
        backend.synchronize()
        start = time.perf_counter()
        for _ in range(_TIMES):
            work()
        backend.synchronize()
        stretches.append((time.perf_counter() - start) / _TIMES)
    return statistics.median(stretches[1:])
