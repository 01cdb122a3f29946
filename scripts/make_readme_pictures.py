"""Draw the pictures of the README.

    python scripts/make_readme_pictures.py

Writes into docs/images `fan_out.svg`, the graph of `b = a + a; c = b + b`, and `lenet5.svg`, the graph of a
training step of LeNet-5, each for a light and (`-dark`) a dark page; `twin.svg`, a small network forward and
backward side by side; and `player.png`, the step player in a browser (needs playwright and chromium).
"""

from __future__ import annotations

import tempfile
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


def small_network() -> viz.Graph:
    """A convolution, a ReLU and a linear layer, with their gradients."""
    tc.manual_seed(0)
    network = tc.nn.Sequential(tc.nn.Conv2d(1, 2, 3), tc.nn.ReLU(), tc.nn.Flatten(), tc.nn.Linear(8, 3))
    with tc.record():
        image = tc.rand(1, 1, 4, 4)
        image.name = "image"
        loss = F.cross_entropy(network(image), tc.tensor([2], name="label"))
    loss.name = "loss"
    return viz.Graph.of(loss)


def neuron() -> viz.Graph:
    """One neuron and its squared error: what the player shows in the README."""
    x, w, b = (tc.tensor(v, requires_grad=n != "x", name=n) for v, n in ((0.2, "x"), (0.65, "w"), (0.1, "b")))
    with tc.record():
        z = w * x + b
        y = z.tanh()
        loss = (y - 1.0) ** 2
    z.name, y.name, loss.name = "z", "y", "L"
    return viz.Graph.of(loss)


def photograph(page: Path, picture: Path) -> None:
    """The player, some steps into the backward walk, as a browser shows it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1100, "height": 632}, reduced_motion="reduce")
        view.goto(page.as_uri())
        for _ in range(11):
            view.keyboard.press("ArrowRight")
        view.screenshot(path=picture)
        browser.close()


def main(folder: Path) -> None:
    """Draw the graphs, those of the README's head for both backgrounds."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, graph in {"fan_out": first_steps(), "lenet5": training_loss()}.items():
        graph.render(folder / f"{name}.svg")
        graph.render(folder / f"{name}-dark.svg", theme="dark")
    small_network().render(folder / "twin.svg", view="twin")
    with tempfile.TemporaryDirectory() as temporary:
        page = Path(temporary) / "neuron.html"
        tc.step(neuron(), page)
        photograph(page, folder / "player.png")


if __name__ == "__main__":
    main(Path(__file__).parents[1] / "docs" / "images")
