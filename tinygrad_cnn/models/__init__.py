"""Whole networks, one a file, and a list of them by name.

    lenet       LeNet5: two convolutions, three linear layers (1998)
    mlp         MLP: linear layers only, the baseline
    resnet      ResNet18, ResNet20: blocks that add to their input (2015)
    small_cnn   SmallCNN: batch normalization and dropout, as in a first course
    small_vgg   SmallVGG: pairs of 3 × 3 convolutions, for images of 32 × 32

A file of this folder is a network as its paper describes it, with a table of shapes and parameters, and what
it does differently. To add one: write the file, and put its class into the list below.
"""

from __future__ import annotations

import inspect
from typing import Any, TypeAlias

from tinygrad_cnn.dtypes import Shape
from tinygrad_cnn.errors import UnknownName
from tinygrad_cnn.models.lenet import LeNet5
from tinygrad_cnn.models.mlp import MLP
from tinygrad_cnn.models.resnet import ResNet18, ResNet20
from tinygrad_cnn.models.small_cnn import SmallCNN
from tinygrad_cnn.models.small_vgg import SmallVGG
from tinygrad_cnn.nn import Module

__all__ = ["MLP", "LeNet5", "ResNet18", "ResNet20", "SmallCNN", "SmallVGG", "create", "input_size", "names"]

_Network: TypeAlias = (
    type[LeNet5] | type[MLP] | type[ResNet18] | type[ResNet20] | type[SmallCNN] | type[SmallVGG]
)
_MODELS: dict[str, _Network] = {
    "lenet5": LeNet5,
    "mlp": MLP,
    "resnet18": ResNet18,
    "resnet20": ResNet20,
    "smallcnn": SmallCNN,
    "smallvgg": SmallVGG,
}


def names() -> tuple[str, ...]:
    """The names that `create` knows.

    >>> names()
    ('lenet5', 'mlp', 'resnet18', 'resnet20', 'smallcnn', 'smallvgg')
    """
    return tuple(sorted(_MODELS))


def create(name: str, **options: Any) -> Module:
    """A network by name, with fresh weights.

    Args:
        name: one of `names()`.
        options: arguments of its class, such as num_classes.

    Raises:
        UnknownName: no such network, or it has no such option; shows the list and the nearest match.

    >>> create("lenet5", num_classes=26).fc3.out_features
    26
    """
    model = _find(name)
    known = inspect.signature(model).parameters
    for option in options:
        if option not in known:
            raise UnknownName.among(option, known, kind=f"option of {name}", argument="options")
    return model(**options)


def input_size(name: str) -> Shape:
    """The shape (C, H, W) of the images a network takes by default.

    >>> input_size("lenet5")
    (1, 28, 28)
    """
    return _find(name).input_size


def _find(name: str) -> _Network:
    if name not in _MODELS:
        raise UnknownName.among(name, _MODELS, kind="model", argument="name")
    return _MODELS[name]
