"""ResNet: a block learns what to add to its input, so that a hundred layers can be trained.

    out = relu(x + conv₂(relu(conv₁(x))))        each convolution 3 × 3, followed by batch normalization

The sum passes the gradient on unchanged, past the convolutions: however deep the network, the first layer
hears of the loss. Where a block halves the image and doubles the channels, the sum's other side is a 1 × 1
convolution with stride 2.

    ResNet18 (of photographs, 224 × 224)              ResNet20 (of small images, 32 × 32)
    layer     output           blocks                 layer     output          blocks
    conv1      64 × 112 × 112         7 × 7, stride 2 conv1     16 × 32 × 32         3 × 3
    maxpool    64 ×  56 ×  56         3 × 3, stride 2
    layer1     64 ×  56 ×  56    2                    layer1    16 × 32 × 32    3
    layer2    128 ×  28 ×  28    2                    layer2    32 × 16 × 16    3
    layer3    256 ×  14 ×  14    2                    layer3    64 ×  8 ×  8    3
    layer4    512 ×   7 ×   7    2
    avgpool   512                                     avgpool   64
    fc       1000         11,689,512 parameters       fc        10         272,474 parameters

Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv:1512.03385,
table 1 and section 4.2. The names of the weights are torchvision's. Where it differs from the paper: in
section 4.2 the short-cut of ResNet-20 pads the missing channels with zeros (option A); here it is the 1 × 1
convolution (option B) of table 1, which adds 2,752 parameters.
"""

from __future__ import annotations

from typing import ClassVar

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape
from tinygrad_cnn.nn import BatchNorm2d, Conv2d, Linear, Module, Sequential, init


class BasicBlock(Module):
    """Two 3 × 3 convolutions, and the input added to what comes out of them.

    Shapes:
        (N, in_channels, H, W) → (N, channels, H / stride, W / stride).
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = BatchNorm2d(channels)
        self.conv2 = Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = BatchNorm2d(channels)
        self.downsample: Sequential | None = None
        if stride != 1 or in_channels != channels:
            shortcut = Conv2d(in_channels, channels, 1, stride=stride, bias=False)
            self.downsample = Sequential(shortcut, BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + shortcut)


class _ResNet(Module):
    """What both have in common: stages of blocks, then the average over all places, then one linear layer."""

    fc: Linear

    def _stage(self, in_channels: int, channels: int, blocks: int, stride: int) -> Sequential:
        first = BasicBlock(in_channels, channels, stride)
        return Sequential(first, *(BasicBlock(channels, channels) for _ in range(blocks - 1)))

    def _begin(self) -> None:
        """He's initialization of every convolution, as in section 3.4 of the paper."""
        for module in self.modules():
            if isinstance(module, Conv2d):
                init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def _head(self, x: Tensor) -> Tensor:
        logits: Tensor = self.fc(x.mean(dim=(2, 3)))
        return logits


class ResNet18(_ResNet):
    """The residual network of 18 layers for photographs.

    Args:
        num_classes: how many logits come out.
        in_channels: of the images; 3 for colours.

    Shapes:
        (N, in_channels, H, W) → logits (N, num_classes); meant for 224 × 224, takes any size from 32 on.

    >>> import tinygrad_cnn as tc
    >>> with tc.use_backend("meta"):
    ...     model = tc.models.ResNet18()
    ...     logits = model(tc.zeros(1, 3, 224, 224))
    >>> logits.shape, sum(parameter.numel() for parameter in model.parameters())
    ((1, 1000), 11689512)
    """

    input_size: ClassVar[Shape] = (3, 224, 224)

    def __init__(self, num_classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = BatchNorm2d(64)
        self.layer1 = self._stage(64, 64, 2, stride=1)
        self.layer2 = self._stage(64, 128, 2, stride=2)
        self.layer3 = self._stage(128, 256, 2, stride=2)
        self.layer4 = self._stage(256, 512, 2, stride=2)
        self.fc = Linear(512, num_classes)
        self._begin()

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        return self._head(self.layer4(self.layer3(self.layer2(self.layer1(x)))))


class ResNet20(_ResNet):
    """The residual network of 20 layers for small images, such as CIFAR-10's.

    Args:
        num_classes: how many logits come out.
        in_channels: of the images; 3 for colours.

    Shapes:
        (N, in_channels, H, W) → logits (N, num_classes); meant for 32 × 32.

    >>> import tinygrad_cnn as tc
    >>> model = tc.models.ResNet20()
    >>> model(tc.zeros(2, 3, 32, 32)).shape, sum(parameter.numel() for parameter in model.parameters())
    ((2, 10), 272474)
    """

    input_size: ClassVar[Shape] = (3, 32, 32)

    def __init__(self, num_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_channels, 16, 3, padding=1, bias=False)
        self.bn1 = BatchNorm2d(16)
        self.layer1 = self._stage(16, 16, 3, stride=1)
        self.layer2 = self._stage(16, 32, 3, stride=2)
        self.layer3 = self._stage(32, 64, 3, stride=2)
        self.fc = Linear(64, num_classes)
        self._begin()

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        return self._head(self.layer3(self.layer2(self.layer1(x))))
