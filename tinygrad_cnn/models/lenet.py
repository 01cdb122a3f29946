"""LeNet-5, the network that read the amounts on bank cheques.

    layer      output          parameters
    input      1 × 28 × 28
    conv1      6 × 28 × 28            156     6 · (1·5·5 + 1), padding 2
    pool       6 × 14 × 14                    max, 2 × 2
    conv2     16 × 10 × 10          2,416     16 · (6·5·5 + 1)
    pool      16 ×  5 ×  5                    max, 2 × 2
    fc1                120         48,120     (400 + 1) · 120
    fc2                 84         10,164     (120 + 1) · 84
    fc3                 10            850     (84 + 1) · 10
                                   61,706

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE 86 (1998), section II.B. Where this network, as everybody builds it today, differs:

- ReLU in the place of a scaled tanh, and max pooling in the place of averages with a learned scale and bias;
- the images are 28 × 28 with two cells of zeros around them, in the paper 32 × 32;
- every kernel of conv2 sees all six maps below; in the paper most see three or four of them;
- the last layer is linear and its loss a cross-entropy; in the paper it measures distances to drawn digits.
"""

from __future__ import annotations

from typing import ClassVar

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import DTypeLike, Shape, float32
from tinygrad_cnn.errors import ShapeError
from tinygrad_cnn.nn import Conv2d, Linear, Module


class LeNet5(Module):
    """Two convolutions, three linear layers; for images of 28 × 28.

    Args:
        num_classes: how many logits come out.
        in_channels: of the images; 1 for grey ones.
        dtype: of all parameters.

    Shapes:
        (N, in_channels, 28, 28) → logits (N, num_classes).

    Raises:
        ShapeError: images of another size.

    >>> import tinygrad_cnn as tc
    >>> model = tc.models.LeNet5()
    >>> sum(parameter.numel() for parameter in model.parameters())
    61706
    >>> model(tc.zeros(2, 1, 28, 28)).shape
    (2, 10)
    """

    input_size: ClassVar[Shape] = (1, 28, 28)

    def __init__(self, num_classes: int = 10, in_channels: int = 1, *, dtype: DTypeLike = float32) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_channels, 6, 5, padding=2, dtype=dtype)
        self.conv2 = Conv2d(6, 16, 5, dtype=dtype)
        self.fc1 = Linear(16 * 5 * 5, 120, dtype=dtype)
        self.fc2 = Linear(120, 84, dtype=dtype)
        self.fc3 = Linear(84, num_classes, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2:] != (28, 28):
            raise ShapeError(
                "LeNet-5 reads images of 28 × 28",
                argument="x",
                expected=f"(N, {self.conv1.in_channels}, 28, 28)",
                got=x.shape,
                hint="functional.pad(x, (2, 2, 2, 2)) makes 28 × 28 out of 24 × 24",
            )
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(F.flatten(x, 1)))
        x = F.relu(self.fc2(x))
        logits: Tensor = self.fc3(x)
        return logits
