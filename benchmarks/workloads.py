"""What is measured: a network, a batch size, and whether it learns, predicts, or has to load images too."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Literal

import networks as net

# The images that ship with the package; read from here, since importing the package into the process of
# another contender would count as its memory.
MINI = Path(__file__).parents[1] / "tinygrad_cnn" / "data" / "fashion_mini"
BATCHES_KEPT = 8  # as many different batches are dealt out, over and over


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Args:
        name: as it is chosen on the command line.
        title: as it stands in the table.
        network: see `networks`.
        image: (channels, height, width).
        batch: images in one step.
        steps: how many steps make one turn; about a tenth of a second or more of work for a fast peer.
        kind: "train" has its batches ready as the framework's arrays, "load" shuffles, cuts and scales uint8
            images while it trains, "predict" runs forward only.
    """

    name: str
    title: str
    network: net.Network
    image: tuple[int, int, int]
    batch: int
    steps: int
    kind: Literal["train", "load", "predict"] = "train"

    def checked(self) -> Workload:
        """The same without chance (dropout, a loader's order): here all peers have to agree."""
        kind: Any = "train" if self.kind == "load" else self.kind
        return replace(self, network=net.without_dropout(self.network), kind=kind)


_GREY, _COLOUR = (1, 28, 28), (3, 32, 32)

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("lenet-b64", "LeNet-5, batch 64, training", net.LENET5, _GREY, 64, 20),
        Workload("lenet-b256", "LeNet-5, batch 256, training", net.LENET5, _GREY, 256, 6),
        Workload(
            "lenet-load", "LeNet-5, batch 64, training, loading included", net.LENET5, _GREY, 64, 20, "load"
        ),
        Workload("cnn-bn", "CNN with batch norm, batch 128, training", net.SMALL_CNN, _GREY, 128, 4),
        Workload("vgg-small", "small VGG, batch 128, training", net.SMALL_VGG, _COLOUR, 128, 1),
        Workload("mlp", "MLP 784-256-128-10, batch 128, training", net.MLP, _GREY, 128, 50),
        Workload("resnet20", "ResNet-20, batch 128, training", net.RESNET20, _COLOUR, 128, 1),
        Workload("lenet-predict-b1", "LeNet-5, 1 image, inference", net.LENET5, _GREY, 1, 200, "predict"),
        Workload(
            "lenet-predict-b256", "LeNet-5, batch 256, inference", net.LENET5, _GREY, 256, 10, "predict"
        ),
    )
}


def images(workload: Workload, count: int) -> tuple[Any, Any]:
    """`count` uint8 images and their labels: clothes of Fashion-MNIST, repeated if need be.

    For colours, and for other sizes than 28 × 28, numbers drawn from a generator: what a convolution costs
    does not depend on the picture.
    """
    import numpy as np

    if workload.image != _GREY:
        generator = np.random.default_rng(1)
        pixels = generator.integers(0, 256, (count, *workload.image), dtype=np.uint8)
        return pixels, generator.integers(0, 10, count)
    pixels, labels = read(MINI, TRAIN)
    chosen = np.arange(count) % len(pixels)
    return pixels[chosen], labels[chosen]


# Images and labels, as Fashion-MNIST and MNIST are distributed.
TRAIN = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")
TEST = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")


def read(folder: Path, files: tuple[str, str]) -> tuple[Any, Any]:
    """Images (N, 1, 28, 28) uint8 and labels (N,) int64 of a folder."""
    import numpy as np

    images, labels = (
        np.frombuffer(gzip.decompress((folder / file).read_bytes()), np.uint8) for file in files
    )
    return images[16:].reshape(-1, *_GREY), labels[8:].astype(np.int64)  # what comes before are headers


def batches(workload: Workload, peer: Any) -> Iterator[tuple[Any, Any]]:
    """Batches without end, the same for every peer (a loader shuffles in its own way)."""
    import numpy as np

    if workload.kind == "load":
        yield from peer.loader(*images(workload, 100 * workload.batch), workload.batch)
    pixels, labels = images(workload, BATCHES_KEPT * workload.batch)
    scaled = pixels.astype(np.float32) / 255
    cuts = [slice(k * workload.batch, (k + 1) * workload.batch) for k in range(BATCHES_KEPT)]
    yield from cycle([peer.batch(scaled[cut], labels[cut]) for cut in cuts])


def work(workload: Workload, peer: Any) -> Callable[[Any, Any], Any]:
    """What is timed: a training step or a prediction."""
    return (lambda x, _: peer.predict(x)) if workload.kind == "predict" else peer.step


def as_loss(result: Any) -> float:
    """One number that says what was computed: the loss of a step, the mean size of predicted logits."""
    return result if isinstance(result, float) else float(abs(result).mean())


def losses(workload: Workload, peer: Any, dealt: Iterator[tuple[Any, Any]], steps: int) -> list[float]:
    """Do some steps, and tell what came out."""
    step = work(workload, peer)
    return [as_loss(step(x, y)) for x, y in islice(dealt, steps)]
