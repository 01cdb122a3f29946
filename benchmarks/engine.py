"""What the engine itself costs: importing it, walking a long chain.

    python benchmarks/engine.py

Import time is a ratio to `import numpy`. What one operation costs beside PyTorch's: `overhead.py`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import tinygrad_cnn as tc

CHAIN = 100_000


def seconds(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def import_seconds(module: str) -> float:
    """The fastest of several fresh interpreters that import the module, less one that imports nothing."""

    def run(code: str) -> float:
        return min(
            seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True)) for _ in range(9)
        )

    return run(f"import {module}") - run("pass")


def long_chain() -> dict[str, float]:
    """Seconds to record, walk and delete a chain of CHAIN additions."""
    start = tc.tensor(1.0, requires_grad=True)
    step = tc.tensor(1.0)

    def forward() -> tc.Tensor:
        total = start
        for _ in range(CHAIN):
            total = total + step
        return total

    times = {}
    clock = time.perf_counter()
    total = forward()
    times["record"] = time.perf_counter() - clock
    clock = time.perf_counter()
    total.backward(retain_graph=True)
    times["walk backward"] = time.perf_counter() - clock
    clock = time.perf_counter()
    del total
    times["delete"] = time.perf_counter() - clock
    return times


def main() -> None:
    numpy_import, own_import = import_seconds("numpy"), import_seconds("tinygrad_cnn")
    ratio = own_import / numpy_import
    print(f"import tinygrad_cnn      {ratio:6.2f} × import numpy ({numpy_import * 1e3:.0f} ms)")

    best = min((long_chain() for _ in range(3)), key=lambda times: sum(times.values()))
    parts = ", ".join(f"{name} {value:.2f}" for name, value in best.items())
    print(f"chain of {CHAIN:,} nodes  {sum(best.values()):6.2f} s ({parts})")


if __name__ == "__main__":
    main()
