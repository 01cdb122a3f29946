"""Draw the pictures of the README.

    python scripts/make_readme_pictures.py

Writes into docs/images `fan_out.svg`, the graph of `b = a + a; c = b + b`, and `lenet5.svg`, the graph of a
training step of LeNet-5, each for a light and (`-dark`) a dark page.
"""

from __future__ import annotations

from pathlib import Path

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn import models, viz


def first_steps() -> viz.Graph:
    """Lesson one: a tensor that is used twice, twice."""
    a = tc.tensor(1.0, requires_grad=True, name="a")
    b = a + a
    c = b + b
    c.name = "c"
    return viz.Graph.of(c)


def training_loss() -> viz.Graph:
    """The loss of LeNet-5 on a batch of 64 images; only shapes are drawn, so nothing is computed.

    Recorded, so that it also shows what no gradient flows through: how labels become targets.
    """
    with tc.use_backend("meta"), tc.record():
        network = models.create("lenet5")
        images = tc.zeros(64, *models.input_size("lenet5"))
        labels = tc.zeros(64, dtype="int64")
        images.name, labels.name = "images", "labels"
        loss = F.cross_entropy(network(images), labels)
    loss.name = "loss"
    return viz.Graph.of(loss)


def main(folder: Path) -> None:
    """Draw both graphs for both backgrounds."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, graph in {"fan_out": first_steps(), "lenet5": training_loss()}.items():
        graph.render(folder / f"{name}.svg")
        graph.render(folder / f"{name}-dark.svg", theme="dark")


if __name__ == "__main__":
    main(Path(__file__).parents[1] / "docs" / "images")
