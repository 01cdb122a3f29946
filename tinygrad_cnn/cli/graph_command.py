"""`tinygrad-cnn graph`: draw what a model computes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinygrad_cnn import models, viz
from tinygrad_cnn.backend import use_backend
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.ops.creation import zeros

EXAMPLES = {
    "tinygrad-cnn graph": "LeNet-5, into lenet5.svg",
    "tinygrad-cnn graph --model lenet5 --out slides.pdf": "for a talk",
    "tinygrad-cnn graph --out notebook.svg --theme dark": "for a dark page",
    "tinygrad-cnn graph --out graph.dot": "to draw with other tools; .mmd is Mermaid, .tex TikZ",
    "tinygrad-cnn graph --model resnet18 --fold 2": "each block as one box",
}


def graph(
    model: Annotated[str, typer.Option(help="What to draw.")] = "lenet5",
    out: Annotated[
        Path | None,
        typer.Option(help="The file; .svg, .png, .pdf, .dot, .mmd or .tex.", show_default="MODEL.svg"),
    ] = None,
    fold: Annotated[
        int | None, typer.Option(min=0, help="Draw boxes deeper than this as one.", show_default="none")
    ] = None,
    theme: Annotated[str, typer.Option(help="The background it is for: light or dark.")] = "light",
    batch_size: Annotated[int, typer.Option(min=1, help="How many images go in.")] = 1,
) -> None:
    """Draw the operations of a model, with its layers as boxes and shapes on the arrows."""
    path = out or Path(f"{model}.svg")
    with use_backend("meta"):  # shapes are all that is drawn, so nothing needs to be computed
        network = models.create(model)
        images = zeros(batch_size, *models.input_size(model))
        images.name = "images"
        drawing = Graph.of(network(images))
    drawing.render(path, theme=theme, fold=fold)
    by = f", drawn by {viz.renderer()}" if path.suffix in (".svg", ".png", ".pdf") else ""
    typer.echo(f"{path}: {len(drawing.nodes)} nodes{by}")
