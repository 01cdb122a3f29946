"""What recording costs: small operations, where the arithmetic takes next to no time, beside PyTorch.

    pip install torch
    python benchmarks/overhead.py

Chains of 1,000 operations on 4×4 tensors, forward and `grad`, on one thread; both libraries take turns so
that both see the same machine, and are compared turn by turn. Prints microseconds per operation (forward and
backward together) and the ratio, median and quartiles.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import tinygrad_cnn as tc

OPERATIONS, ROUNDS = 1000, 30

CHAINS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "add, mul, sub, relu, tanh": lambda x, y: (((x + y) * y) - y).relu().tanh(),
    "matmul": lambda x, y: x @ y,
}
LENGTH = {"add, mul, sub, relu, tanh": 5}  # operations in one link of the chain; 1 for the others


def chain(library: Any, gradient: Callable[..., Any], name: str) -> Callable[[], None]:
    """One chain, forward and backward to its beginning."""
    start = library.ones(4, 4, requires_grad=True)
    other = library.ones(4, 4)
    link, links = CHAINS[name], OPERATIONS // LENGTH.get(name, 1)

    def run() -> None:
        total = start
        for _ in range(links):
            total = link(total, other)
        gradient(total.sum(), [start])

    return run


def microseconds(run: Callable[[], None]) -> float:
    """Per operation of one run."""
    clock = time.perf_counter()
    run()
    return (time.perf_counter() - clock) / OPERATIONS * 1e6


def main() -> None:
    torch: Any = None
    if find_spec("torch") is not None:
        import torch

        torch.set_num_threads(1)
    print("operation                     ours     PyTorch   ratio (quartiles)")
    for name in CHAINS:
        ours = chain(tc, tc.grad, name)
        ours()
        if torch is None:
            print(f"{name:26} {statistics.median(microseconds(ours) for _ in range(ROUNDS)):6.2f} µs")
            continue
        theirs = chain(torch, torch.autograd.grad, name)
        theirs()
        pairs = [(microseconds(ours), microseconds(theirs)) for _ in range(ROUNDS)]
        low, middle, high = statistics.quantiles([mine / other for mine, other in pairs], n=4)
        own, other = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"{name:26} {own:6.2f} µs  {other:6.2f} µs   {middle:.2f} ({low:.2f}-{high:.2f})")


if __name__ == "__main__":
    main()
