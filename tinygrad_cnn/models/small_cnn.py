"""The network of a first course: two convolutions with batch normalization, two linear layers, dropout.

    layer      output          parameters
    input      1 × 28 × 28
    conv1     32 × 28 × 28            288     32 · 1·3·3, padding 1, no bias
    bn1       32 × 28 × 28             64     2 · 32, then ReLU
    pool      32 × 14 × 14                    max, 2 × 2
    conv2     64 × 14 × 14         18,432     64 · 32·3·3, padding 1, no bias
    bn2       64 × 14 × 14            128     2 · 64, then ReLU
    pool      64 ×  7 ×  7                    max, 2 × 2
    fc1                128        401,536     (3,136 + 1) · 128, then ReLU
    dropout            128                    half of them are zero while training
    fc2                 10          1,290     (128 + 1) · 10
                                  421,738

A convolution has no bias where batch normalization follows: it would subtract it at once.

Sources: Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
Covariate Shift", ICML 2015, arXiv:1502.03167; Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov,
"Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15 (2014).
"""

from __future__ import annotations

from typing import ClassVar

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape
from tinygrad_cnn.errors import ShapeError
from tinygrad_cnn.nn import BatchNorm2d, Conv2d, Dropout, Linear, Module


class SmallCNN(Module):
    """Two convolutions with batch normalization, two linear layers with dropout between; for 28 × 28.

    Args:
        num_classes: how many logits come out.
        in_channels: of the images; 1 for grey ones.
        dropout: the share of neurons left out while training.

    Shapes:
        (N, in_channels, 28, 28) → logits (N, num_classes).

    Raises:
        ShapeError: images of another size.

    >>> import tinygrad_cnn as tc
    >>> model = tc.models.SmallCNN()
    >>> sum(parameter.numel() for parameter in model.parameters())
    421738
    >>> model(tc.zeros(2, 1, 28, 28)).shape
    (2, 10)
    """

    input_size: ClassVar[Shape] = (1, 28, 28)

    def __init__(self, num_classes: int = 10, in_channels: int = 1, dropout: float = 0.5) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_channels, 32, 3, padding=1, bias=False)
        self.bn1 = BatchNorm2d(32)
        self.conv2 = Conv2d(32, 64, 3, padding=1, bias=False)
        self.bn2 = BatchNorm2d(64)
        self.fc1 = Linear(64 * 7 * 7, 128)
        self.dropout = Dropout(dropout)
        self.fc2 = Linear(128, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2:] != (28, 28):
            raise ShapeError(
                "this network reads images of 28 × 28",
                argument="x",
                expected=f"(N, {self.conv1.in_channels}, 28, 28)",
                got=x.shape,
            )
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        x = self.dropout(F.relu(self.fc1(F.flatten(x, 1))))
        logits: Tensor = self.fc2(x)
        return logits
