"""Layers: functions that own what they learn.

    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(6 * 14 * 14, 10),
    )
    logits = model(images)

Names, arguments, defaults and the names of saved weights are torch.nn's. Start reading at `module.py`; a
layer is a few lines around a function of `tinygrad_cnn.functional`.

    module       Module: what every layer and network is       parameter    Parameter: a tensor that learns
    container    Sequential                                    init         how weights begin
    linear       Linear, Flatten, Identity                     conv         Conv1d, Conv2d, Conv3d
    pooling      MaxPool1d ... AvgPool3d                       batchnorm    BatchNorm1d, 2d, 3d
    dropout      Dropout                                       activation   ReLU, Sigmoid, Tanh ...
    loss         CrossEntropyLoss, MSELoss ...
"""

from tinygrad_cnn.nn import init
from tinygrad_cnn.nn.activation import LeakyReLU, LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from tinygrad_cnn.nn.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from tinygrad_cnn.nn.container import Sequential
from tinygrad_cnn.nn.conv import Conv1d, Conv2d, Conv3d
from tinygrad_cnn.nn.dropout import Dropout
from tinygrad_cnn.nn.linear import Flatten, Identity, Linear
from tinygrad_cnn.nn.loss import CrossEntropyLoss, L1Loss, MSELoss, NLLLoss
from tinygrad_cnn.nn.module import Module
from tinygrad_cnn.nn.parameter import Parameter
from tinygrad_cnn.nn.pooling import AvgPool1d, AvgPool2d, AvgPool3d, MaxPool1d, MaxPool2d, MaxPool3d

__all__ = [
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "Identity",
    "L1Loss",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "Module",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "init",
]
