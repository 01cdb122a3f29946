"""Graphs that several tests draw."""

from __future__ import annotations

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn import nn


def leaf(value, name=None, **options):
    return tc.tensor(value, requires_grad=True, name=name, **options)


def small_graph():
    """L = Σ (x·w)², with all values."""
    with tc.record():
        h = tc.tensor([1.0, 2.0], name="x") * leaf([3.0, -4.0], "w")
        loss = (h * h).sum()
    h.name, loss.name = "h", "L"
    return tc.Graph.of(loss)


def lenet_graph(values=False):
    """The loss of LeNet-5, of shapes alone unless values are asked for."""
    with tc.use_backend("numpy" if values else "meta"), tc.record():
        images, labels = tc.zeros(2, 1, 28, 28), tc.zeros(2, dtype="int64")
        images.name, labels.name = "images", "labels"
        loss = F.cross_entropy(tc.models.LeNet5()(images), labels)
    loss.name = "loss"
    return tc.Graph.of(loss)


class Block(nn.Module):
    """The basic block of a residual network: two convolutions, and a way around them."""

    def __init__(self, channels_in, channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride != 1:
            shortcut = nn.Conv2d(channels_in, channels, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(channels))

    def forward(self, x):
        around = x if self.downsample is None else self.downsample(x)
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + around)


class ResNet18(nn.Module):
    """The structure of ResNet-18."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(Block(64, 64), Block(64, 64))
        self.layer2 = nn.Sequential(Block(64, 128, 2), Block(128, 128))
        self.layer3 = nn.Sequential(Block(128, 256, 2), Block(256, 256))
        self.layer4 = nn.Sequential(Block(256, 512, 2), Block(512, 512))
        self.fc = nn.Linear(512, 1000)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return self.fc(x.mean((2, 3)))


def resnet_graph(train=True):
    """The loss of ResNet-18, of shapes alone."""
    with tc.use_backend("meta"), tc.record():
        network = ResNet18().train(train)
        loss = F.cross_entropy(network(tc.zeros(2, 3, 224, 224)), tc.zeros(2, dtype="int64"))
    loss.name = "loss"
    return tc.Graph.of(loss)
