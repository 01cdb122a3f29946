"""What looking at a graph costs: recording it, keeping it as data, drawing it.

    python benchmarks/graphs.py

Milliseconds of each stage, for a training step of one image: forward without a graph, with one, inside
`record()`, where nodes keep everything for pictures; then the graph as data, as JSON, as a drawing in SVG
(all of it, and folded into modules), and its backward pass event by event.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import tinygrad_cnn as tc

MODELS = ("lenet5", "resnet20")
ROUNDS = 5


def stages(name: str, folder: str) -> dict[str, Callable[[], Any]]:
    """What is timed, by name; each begins at the same model and image."""
    tc.manual_seed(0)
    model = tc.models.create(name)
    x = tc.randn(1, *tc.models.input_size(name))
    label = tc.tensor([3])

    def forward() -> tc.Tensor:
        return tc.functional.cross_entropy(model(x), label)

    def without_graph() -> None:
        with tc.no_grad():
            forward()

    def recorded() -> tc.Graph:
        with tc.record():
            return tc.Graph.of(forward())

    graph = recorded()
    return {
        "forward, nothing recorded": without_graph,
        "forward, the usual graph": forward,
        "forward inside record(), graph as data": recorded,
        "backward, event by event": graph.backward,
        "to_json": graph.to_json,
        "to_dot": graph.to_dot,
        "render to .svg": lambda: graph.render(f"{folder}/graph.svg"),
    }


def measure(rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """A row for each model and stage: milliseconds of each round."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in MODELS:
            for stage, action in stages(name, folder).items():
                action()  # the first one warms up
                times = []
                for _ in range(rounds):
                    start = time.perf_counter()
                    action()
                    times.append((time.perf_counter() - start) * 1e3)
                rows.append({"model": name, "stage": stage, "milliseconds": times})
    return rows


def main() -> None:
    for row in measure():
        print(f"{row['model']:9} {row['stage']:40} {statistics.median(row['milliseconds']):9.1f} ms")


if __name__ == "__main__":
    main()
