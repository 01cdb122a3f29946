"""Who takes part: our package and the frameworks it is measured against, one file each.

A peer builds a network from its description (`networks.py`) in its framework's own idiom, and can then take a
training step and predict. Reading two of these files side by side shows how the frameworks differ: layers
that own their weights (PyTorch, DeZero, tinygrad, ours), or pure functions of a list of arrays (JAX, HIPS
autograd); a graph recorded anew in every step, or a step compiled once.

    captured        tinygrad_cnn, the step under tc.capture (what tc.Trainer does)
    exact           the same without Winograd's convolutions
    ours            tinygrad_cnn, eager
    readable        tinygrad_cnn, eager, only the kernels that the lessons read
    torch           PyTorch, eager
    torch-compile   PyTorch, through torch.compile
    jax             JAX, the step under jax.jit
    tinygrad        tinygrad, the step under TinyJit
    dezero          DeZero, on NumPy
    autograd        HIPS autograd, on NumPy
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from networks import Network

LEARNING_RATE, MOMENTUM = 0.005, 0.9


class Peer:
    """A network in one framework, with SGD with momentum: v ← 0.9 v + g, w ← w − 0.005 v.

    Args:
        network: what to build.
        weights: where to start, see `networks.first_weights`.
        threads: how many processor threads may be used.
    """

    def __init__(self, network: Network, weights: list[np.ndarray[Any, Any]], *, threads: int) -> None:
        raise NotImplementedError

    def batch(self, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> tuple[Any, Any]:
        """Images (N, C, H, W) float32 and labels (N,) int64 as the framework's own arrays."""
        raise NotImplementedError

    def step(self, x: Any, y: Any) -> float:
        """Forward, backward, update; the loss before the update, as a number: all has been computed."""
        raise NotImplementedError

    def predict(self, x: Any) -> np.ndarray[Any, Any]:
        """Logits as a NumPy array, in evaluation mode, with nothing recorded."""
        raise NotImplementedError

    def wait(self) -> None:
        """Until everything asked for has been computed, for those whose `step` returns before that."""

    def device_memory(self) -> int | None:
        """The most bytes of a device's memory that were held so far; None without a device."""
        return None

    def loader(
        self, images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], batch_size: int
    ) -> Iterator[tuple[Any, Any]]:
        """Shuffled batches of uint8 images, scaled to [0, 1], without end.

        This one is for frameworks that bring no loader: their users write such a loop.
        """
        import numpy as np

        generator = np.random.default_rng(0)
        while True:
            order = generator.permutation(len(images))
            for start in range(0, len(order) - batch_size + 1, batch_size):
                chosen = order[start : start + batch_size]
                yield self.batch(images[chosen].astype(np.float32) / 255, labels[chosen])


@dataclass(frozen=True)
class Entry:
    """A line of the list.

    Args:
        title: in tables.
        package: that is needed.
        module, name: where the class is.
        too_slow_for: workloads of which one turn would take minutes.
        options: arguments of the class besides a peer's own.
    """

    title: str
    package: str
    module: str
    name: str
    too_slow_for: frozenset[str] = frozenset()
    options: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> Callable[..., Any]:
        """What the entry names, with its options; this imports the framework."""
        return partial(getattr(import_module(f"peers.{self.module}"), self.name), **self.options)


ENTRIES = {
    "captured": Entry("tinygrad_cnn, captured", "tinygrad-cnn", "ours", "Captured"),
    "exact": Entry("tinygrad_cnn, no Winograd", "tinygrad-cnn", "ours", "Exact"),
    "ours": Entry("tinygrad_cnn, eager", "tinygrad-cnn", "ours", "TinygradCNN"),
    "readable": Entry("tinygrad_cnn, readable", "tinygrad-cnn", "ours", "Readable"),
    "torch": Entry("PyTorch, eager", "torch", "pytorch", "PyTorch"),
    "torch-compile": Entry("PyTorch, torch.compile", "torch", "pytorch", "Compiled"),
    "jax": Entry("JAX, jit", "jax", "jax_jit", "Jax"),
    "tinygrad": Entry("tinygrad, TinyJit", "tinygrad", "tinygrad_jit", "Tinygrad"),
    "dezero": Entry("DeZero", "dezero", "dezero_numpy", "DeZero"),
    "autograd": Entry(
        "HIPS autograd",
        "autograd",
        "hips_autograd",
        "Autograd",
        frozenset({"cnn-bn", "vgg-small", "resnet20", "lenet-predict-b256"}),
    ),
}


def find(name: str) -> Callable[..., Peer]:
    """What makes a peer of that name; this imports its framework."""
    return ENTRIES[name].load()


def installed_version(package: str) -> str | None:
    """The version of an installed package, without importing it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
