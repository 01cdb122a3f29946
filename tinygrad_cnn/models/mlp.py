"""A multi-layer perceptron: linear layers with ReLU between them, blind to which pixels are neighbours.

The baseline that a convolutional network has to beat. On 28 × 28 images with the sizes below it has 101,770
parameters, more than LeNet-5, and is worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import DTypeLike, Shape, as_shape, count, float32
from tinygrad_cnn.nn import Linear, Module, Sequential


class MLP(Module):
    """Flatten the image, then linear layers with ReLU between them.

    Args:
        hidden_sizes: how many neurons each hidden layer has.
        num_classes: how many logits come out.
        input_size: (C, H, W) of one image.
        dtype: of all parameters.

    Shapes:
        (N, *input_size) → logits (N, num_classes).

    >>> import tinygrad_cnn as tc
    >>> model = tc.models.MLP([300, 100])
    >>> [layer.out_features for layer in model.layers]
    [300, 100, 10]
    >>> model(tc.zeros(2, 1, 28, 28)).shape
    (2, 10)
    """

    input_size: ClassVar[Shape] = (1, 28, 28)

    def __init__(
        self,
        hidden_sizes: Sequence[int] = (128,),
        num_classes: int = 10,
        input_size: Sequence[int] = input_size,
        *,
        dtype: DTypeLike = float32,
    ) -> None:
        super().__init__()
        hidden = as_shape(list(hidden_sizes), argument="hidden_sizes")
        pixels = count(as_shape(list(input_size), argument="input_size"))
        sizes = (pixels, *hidden, num_classes)
        self.layers = Sequential(*(Linear(before, after, dtype=dtype) for before, after in pairwise(sizes)))

    def forward(self, x: Tensor) -> Tensor:
        x = F.flatten(x, 1)
        *hidden, last = self.layers
        for layer in hidden:
            x = F.relu(layer(x))
        logits: Tensor = last(x)
        return logits
