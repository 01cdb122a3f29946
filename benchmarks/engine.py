"""What the engine itself costs: importing it, recording an operation, walking a long chain.

    python benchmarks/engine.py

Prints a table. Import time is a ratio to `import numpy`; the overhead of an operation stands beside
PyTorch's when torch is installed, measured in turns so that both see the same machine.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import tinygrad_cnn as tc

CHAIN = 100_000
REPEATS = 7


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


def small_operations(library: Any) -> Callable[[], None]:
    """1,000 additions and products of 4×4 tensors, forward and backward."""
    weight = library.ones(4, 4, requires_grad=True)
    other = library.ones(4, 4)

    def run() -> None:
        total = weight
        for _ in range(500):
            total = (total + other) * other
        total.sum().backward()

    return run


def main() -> None:
    numpy_import, own_import = import_seconds("numpy"), import_seconds("tinygrad_cnn")
    ratio = own_import / numpy_import
    print(f"import tinygrad_cnn      {ratio:6.2f} × import numpy ({numpy_import * 1e3:.0f} ms)")

    best = min((long_chain() for _ in range(3)), key=lambda times: sum(times.values()))
    parts = ", ".join(f"{name} {value:.2f}" for name, value in best.items())
    print(f"chain of {CHAIN:,} nodes  {sum(best.values()):6.2f} s ({parts})")

    ours = small_operations(tc)
    ours()
    if find_spec("torch") is None:
        own = statistics.median(seconds(ours) for _ in range(REPEATS))
        print(f"one small operation      {own * 1e3:6.2f} µs (install torch to compare)")
        return
    import torch

    theirs = small_operations(torch)
    theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(REPEATS)]
    own = statistics.median(pair[0] for pair in pairs)
    ratio = statistics.median(mine / other for mine, other in pairs)
    print(f"one small operation      {own * 1e3:6.2f} µs, {ratio:.2f} × PyTorch's")


if __name__ == "__main__":
    main()
