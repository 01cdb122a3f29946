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
    "add and mul in turns": lambda x, y: (x + y) * y,
    "add, mul, sub, relu, tanh": lambda x, y: (((x + y) * y) - y).relu().tanh(),
    "matmul": lambda x, y: x @ y,
}
# Operations in one link of a chain; 1 for those not listed.
LENGTH = {"add and mul in turns": 2, "add, mul, sub, relu, tanh": 5}


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


def measure(rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """A row for each chain: microseconds per operation, round by round; PyTorch's are empty without it."""
    torch: Any = None
    if find_spec("torch") is not None:
        import torch

        torch.set_num_threads(1)
    rows = []
    for name in CHAINS:
        runs = {"ours": chain(tc, tc.grad, name)}
        if torch is not None:
            runs["torch"] = chain(torch, torch.autograd.grad, name)
        for run in runs.values():
            run()  # the first one warms up
        times: dict[str, list[float]] = {"ours": [], "torch": []}
        for _ in range(rounds):
            for library, run in runs.items():
                times[library].append(microseconds(run))
        rows.append({"name": name, **times})
    return rows


def main() -> None:
    print("operation                     ours     PyTorch   ratio (quartiles)")
    for row in measure():
        line = f"{row['name']:26} {statistics.median(row['ours']):6.2f} µs"
        if row["torch"]:
            ratios = [mine / other for mine, other in zip(row["ours"], row["torch"], strict=True)]
            low, middle, high = statistics.quantiles(ratios, n=4)
            line += f"  {statistics.median(row['torch']):6.2f} µs   {middle:.2f} ({low:.2f}-{high:.2f})"
        print(line)


if __name__ == "__main__":
    main()
