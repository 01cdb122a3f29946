"""A small VGG: nothing but 3 × 3 convolutions in pairs, and half the image after each pair.

Two of them see as far as one of 5 × 5, with 18 weights where that has 25, and with one more ReLU between.

    layer           output          parameters
    input           3 × 32 × 32
    conv, conv     32 × 32 × 32         10,208     3·32·9 + 32·32·9 weights, 2 · 64 of batch norm
    pool           32 × 16 × 16                    max, 2 × 2
    conv, conv     64 × 16 × 16         55,552     32·64·9 + 64·64·9, 2 · 128
    pool           64 ×  8 ×  8
    conv, conv    128 ×  8 ×  8        221,696     64·128·9 + 128·128·9, 2 · 256
    pool          128 ×  4 ×  4
    classifier           10             20,490     (2,048 + 1) · 10
                                       307,946

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR
2015, arXiv:1409.1556, section 2. What differs, as usual for images of 32 × 32: six convolutions of 32 to 128
channels in the place of eight to sixteen of 64 to 512; batch normalization (arXiv:1502.03167), and hence no
bias, after each of them; one linear layer in the place of three.
"""

from __future__ import annotations

from typing import ClassVar

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape
from tinygrad_cnn.errors import ShapeError
from tinygrad_cnn.nn import BatchNorm2d, Conv2d, Linear, MaxPool2d, Module, ReLU, Sequential

POOL = "M"
LAYERS = (32, 32, POOL, 64, 64, POOL, 128, 128, POOL)  # output channels of a convolution, or a pool


class SmallVGG(Module):
    """Six 3 × 3 convolutions with batch normalization, one linear layer; for images of 32 × 32.

    Args:
        num_classes: how many logits come out.
        in_channels: of the images; 3 for colours.

    Shapes:
        (N, in_channels, 32, 32) → logits (N, num_classes).

    Raises:
        ShapeError: images of another size.

    >>> import tinygrad_cnn as tc
    >>> model = tc.models.SmallVGG()
    >>> sum(parameter.numel() for parameter in model.parameters())
    307946
    >>> model(tc.zeros(2, 3, 32, 32)).shape
    (2, 10)
    """

    input_size: ClassVar[Shape] = (3, 32, 32)

    def __init__(self, num_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__()
        self.in_channels = channels = in_channels
        features: list[Module] = []
        for layer in LAYERS:
            if isinstance(layer, int):
                convolution = Conv2d(channels, layer, 3, padding=1, bias=False)
                features += [convolution, BatchNorm2d(layer), ReLU()]
                channels = layer
            else:
                features.append(MaxPool2d(2))
        self.features = Sequential(*features)
        self.classifier = Linear(channels * 4 * 4, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2:] != (32, 32):
            raise ShapeError(
                "this network reads images of 32 × 32",
                argument="x",
                expected=f"(N, {self.in_channels}, 32, 32)",
                got=x.shape,
            )
        logits: Tensor = self.classifier(F.flatten(self.features(x), 1))
        return logits
