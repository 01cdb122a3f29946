"""`tinygrad-cnn summary`: a table of a model's layers."""

from __future__ import annotations

from typing import Annotated

import typer

from tinygrad_cnn import models
from tinygrad_cnn._summary import summary as summarize

EXAMPLES = {
    "tinygrad-cnn summary --model lenet5": "layers, shapes, numbers of weights",
    "tinygrad-cnn summary --model lenet5 --batch-size 64": "shapes for 64 images at once",
}


def summary(
    model: Annotated[str, typer.Option(help="The model's name.")] = "lenet5",
    batch_size: Annotated[int, typer.Option(min=1, help="How many images go in.")] = 1,
) -> None:
    """List the layers of a model: the shape that comes out of each, and its number of weights.

    Nothing is computed and no weight is drawn, so the largest model takes no longer than the smallest.
    """
    typer.echo(summarize(models.create(model), (batch_size, *models.input_size(model))))
