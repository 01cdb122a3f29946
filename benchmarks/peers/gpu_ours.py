"""tinygrad_cnn on a GPU: the networks of `ours.py` on the CuPy backend, and on NumPy's in a dry run.

A step returns as soon as the GPU knows what to do; nothing here looks at a number before it has to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import networks as net

import tinygrad_cnn as tc
from peers.ours import TinygradCNN, accuracies, network_of
from tinygrad_cnn.backend import Backend


def device(precision: str, *, dry_run: bool, plans: str | None = None) -> Backend:
    """Where to compute, with float32 products rounded as `precision` says.

    Args:
        precision: "float32", "tf32" or "bfloat16".
        dry_run: on NumPy.
        plans: a file of timed cuDNN plans; by default cuDNN's own order of preference decides.
    """
    if dry_run:
        return tc.get_backend("numpy")
    timed = {} if plans is None else {"benchmark": plans}
    return tc.get_backend("cupy", tf32=precision == "tf32", **timed)


def autocast(precision: str) -> AbstractContextManager[Any]:
    """Where the forward pass belongs: products in 16 bits if the precision has so few."""
    return tc.amp.autocast(tc.bfloat16) if precision == "bfloat16" else nullcontext()


class Eager(TinygradCNN):
    """Every step records its graph, and forgets it.

    Args:
        precision, dry_run, plans: see `device`.
    """

    def __init__(
        self,
        network: net.Network,
        weights: list[Any],
        *,
        threads: int,
        precision: str,
        dry_run: bool,
        plans: str | None = None,
    ) -> None:
        self.device = device(precision, dry_run=dry_run, plans=plans)
        self.precision = precision
        super().__init__(network, weights, threads=threads)
        self.model.train()

    def _backend(self) -> AbstractContextManager[Any]:
        return tc.use_backend(self.device)

    def _train_step(self, x: tc.Tensor, y: tc.Tensor) -> tc.Tensor:
        self.optimizer.zero_grad()
        with autocast(self.precision):
            loss = tc.functional.cross_entropy(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss

    def step(self, x: tc.Tensor, y: tc.Tensor) -> Any:
        with self._backend():
            return self.train_step(x, y)

    def wait(self) -> None:
        self.device.synchronize()

    def device_memory(self) -> int | None:
        """What CuPy's pools hold: they give nothing back, so it is the most there was."""
        return self.device.memory().get("held")


class Captured(Eager):
    """The same step, recorded once and replayed."""

    def __init__(self, network: net.Network, weights: list[Any], **options: Any) -> None:
        super().__init__(network, weights, **options)
        self.train_step = tc.capture(self._train_step)


# --- training from the files to the accuracy, see gpu_parts/accuracy.py ---------------------------


def learn(recipe: Any, *, seed: int, threads: int, precision: str, dry_run: bool) -> Iterator[float]:
    """What a user writes: a loader and a `Trainer`, which captures, on the backend of choice."""
    tc.set_num_threads(threads)
    tc.manual_seed(seed)
    fashion = tc.data.load(recipe.dataset, root=recipe.folder)
    flipped = [tc.data.RandomHorizontalFlip()] if recipe.flip else []
    transform = tc.data.Compose([*flipped, fashion.standardize])
    train_loader = tc.data.DataLoader(
        fashion.train, recipe.batch_size, shuffle=True, seed=seed, transform=transform, drop_last=True
    )
    test_loader = tc.data.DataLoader(fashion.test, recipe.test_batch_size, transform=fashion.standardize)
    with tc.use_backend(device(precision, dry_run=dry_run)):
        model = network_of(getattr(net, recipe.network))
    rounded: dict[str, Any] = {"precision": precision} if precision == "bfloat16" else {}
    yield from accuracies(recipe, model, train_loader, test_loader, **rounded)
