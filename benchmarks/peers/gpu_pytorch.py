"""PyTorch on a GPU, as its documentation teaches it: eager, compiled, and the whole step as a CUDA graph.

All three choose cuDNN's algorithms by timing them (`cudnn.benchmark`), and are told in so many words whether
float32 products may be rounded to TF32: by default PyTorch does so in convolutions, and not in products of
matrices. In a dry run they compute on the processor, where a graph is replaced by doing the step again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import networks as net
import torch
from torch import nn
from workloads import TEST, TRAIN, read

from peers import LEARNING_RATE, MOMENTUM
from peers.pytorch import PyTorch, network_of

LAYOUTS = {"channels_last": torch.channels_last, "nchw": torch.contiguous_format}
EAGER_STEPS = 3  # before a graph is captured: lazily made state is there, and cuDNN has chosen


def device(precision: str, *, dry_run: bool) -> torch.device:
    """Where to compute, with PyTorch's switches set for that precision, and looked at again."""
    if not dry_run and not torch.cuda.is_available():
        raise RuntimeError(f"PyTorch {torch.__version__} sees no GPU")
    is_rounded = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = is_rounded
    torch.backends.cudnn.allow_tf32 = is_rounded
    torch.backends.cudnn.benchmark = True
    switches = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    if switches != (is_rounded, is_rounded) or not torch.backends.cudnn.benchmark:
        raise RuntimeError(f"PyTorch did not take the setting {precision}: {switches}")
    return torch.device("cpu" if dry_run else "cuda")


def autocast(precision: str, place: torch.device) -> AbstractContextManager[Any]:
    """Where the forward pass belongs: products in 16 bits if the precision has so few."""
    return torch.autocast(place.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


class Eager(PyTorch):
    """The training loop of PyTorch's tutorials.

    Args:
        precision: "float32", "tf32" or "bfloat16".
        layout: of images and of the weights of convolutions, one of LAYOUTS.
        dry_run: on the processor.
    """

    def __init__(
        self,
        network: net.Network,
        weights: list[Any],
        *,
        threads: int,
        precision: str,
        layout: str,
        dry_run: bool,
    ) -> None:
        self.device = device(precision, dry_run=dry_run)
        self.precision, self.layout = precision, LAYOUTS[layout]
        super().__init__(network, weights, threads=threads)
        # Parameters stay the same objects, so the optimizer still knows them.
        self.model.to(self.device, memory_format=self.layout).train()

    def batch(self, x: Any, y: Any) -> tuple[Any, Any]:
        images = torch.from_numpy(x).to(self.device, memory_format=self.layout)
        return images, torch.from_numpy(y).to(self.device)

    def step(self, x: Any, y: Any) -> Any:
        self.optimizer.zero_grad()
        with autocast(self.precision, self.device):
            loss = nn.functional.cross_entropy(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def device_memory(self) -> int | None:
        """What the caching allocator has asked of the driver."""
        return torch.cuda.max_memory_reserved() if self.device.type == "cuda" else None


class Compiled(Eager):
    """The network through torch.compile; the optimizer stays as it is.

    In a dry run its graph is recorded and run, but not compiled: for a processor that would be C++, which
    takes minutes and tells nothing of what is made for a GPU.
    """

    def __init__(self, network: net.Network, weights: list[Any], **options: Any) -> None:
        super().__init__(network, weights, **options)
        self.model = torch.compile(self.model, backend="aot_eager" if options["dry_run"] else "inductor")


class Graphed(Eager):
    """Forward, backward and update as one CUDA graph; a batch is copied to where the graph expects it.

    The first steps are eager ones, as PyTorch's documentation asks for. The update is the fused one.
    """

    def __init__(self, network: net.Network, weights: list[Any], **options: Any) -> None:
        super().__init__(network, weights, **options)
        parameters = self.model.parameters()
        self.optimizer = torch.optim.SGD(parameters, lr=LEARNING_RATE, momentum=MOMENTUM, fused=True)
        self._replayed = Replayed(super().step, self.device)

    def step(self, x: Any, y: Any) -> Any:
        return self._replayed(x, y)


class Replayed:
    """A function of tensors that returns a tensor: called a few times, then captured and replayed.

    The result is memory of the graph, which the next call overwrites.
    """

    def __init__(self, function: Callable[..., Any], place: torch.device) -> None:
        self._function, self._on_gpu = function, place.type == "cuda"
        self._calls = 0
        self._graph: Any = None
        self._inputs: tuple[Any, ...] = ()
        self._result: Any = None

    def __call__(self, *inputs: Any) -> Any:
        self._calls += 1
        if self._calls <= EAGER_STEPS:
            return self._on_another_stream(inputs) if self._on_gpu else self._function(*inputs)
        if self._graph is None:
            self._inputs = tuple(value.clone() for value in inputs)
            self._capture()
        for kept, value in zip(self._inputs, inputs, strict=True):
            kept.copy_(value)
        self._graph.replay()
        return self._result

    def _capture(self) -> None:
        if self._on_gpu:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._result = self._function(*self._inputs)
        else:
            self._result = torch.zeros(())
            self._graph = _Again(partial(self._function, *self._inputs), self._result)

    def _on_another_stream(self, inputs: tuple[Any, ...]) -> Any:
        """As capturing will be: what a library prepares for a stream is then prepared."""
        stream, current = torch.cuda.Stream(), torch.cuda.current_stream()
        stream.wait_stream(current)
        with torch.cuda.stream(stream):
            result = self._function(*inputs)
        current.wait_stream(stream)
        return result


class _Again:
    """In place of a CUDA graph where there is no GPU: replaying is doing it again."""

    def __init__(self, function: Callable[[], Any], result: Any) -> None:
        self._function, self._result = function, result

    def replay(self) -> None:
        self._result.copy_(self._function())


# --- training from the files to the accuracy, see gpu_parts/accuracy.py ---------------------------


def learn(
    recipe: Any, *, seed: int, threads: int, precision: str, layout: str, dry_run: bool, graph: bool
) -> Iterator[float]:
    """The data set on the device, a batch by one index; with `graph` all of the step is replayed."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    place = device(precision, dry_run=dry_run)
    train_x, train_y, test_x, test_y = _on_device(recipe, place)
    model = network_of(getattr(net, recipe.network)).to(place, memory_format=LAYOUTS[layout])
    # As a tensor on the device, so that a captured update sees it change.
    rate = torch.tensor(recipe.learning_rate, device=place) if graph else recipe.learning_rate
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=True,
        fused=True,
    )
    steps_per_epoch = len(train_x) // recipe.batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        recipe.learning_rate,
        epochs=recipe.epochs,
        steps_per_epoch=steps_per_epoch,
        cycle_momentum=False,
    )

    def step(chosen: Any) -> Any:
        x = train_x[chosen]
        if recipe.flip:
            x = torch.where(torch.rand(len(chosen), 1, 1, 1, device=place) < 0.5, x.flip(-1), x)
        optimizer.zero_grad()
        with autocast(precision, place):
            loss = nn.functional.cross_entropy(
                model(x.contiguous(memory_format=LAYOUTS[layout])), train_y[chosen]
            )
        loss.backward()
        optimizer.step()
        return loss.detach()

    train_step = Replayed(step, place) if graph else step
    for _ in range(recipe.epochs):
        model.train()
        total = torch.zeros((), device=place)
        order = torch.randperm(len(train_x), device=place)
        for chosen in order.split(recipe.batch_size)[:steps_per_epoch]:
            total += train_step(chosen)  # everybody watches the loss; nobody waits for it
            schedule.step()
        model.eval()
        with torch.inference_mode(), autocast(precision, place):
            guesses = torch.cat([model(x).argmax(1) for x in test_x.split(recipe.test_batch_size)])
        yield float((guesses == test_y).float().mean())


def _on_device(recipe: Any, place: torch.device) -> tuple[Any, Any, Any, Any]:
    """Standardized images and labels, for training and for testing."""
    train_x, train_y = (torch.tensor(part, device=place) for part in read(recipe.folder, TRAIN))
    test_x, test_y = (torch.tensor(part, device=place) for part in read(recipe.folder, TEST))
    train_x, test_x = ((x.float() / 255 - recipe.mean) / recipe.std for x in (train_x, test_x))
    return train_x, train_y, test_x, test_y
