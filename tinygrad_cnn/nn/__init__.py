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
from tinygrad_cnn.nn.activation import *  # noqa: F403
from tinygrad_cnn.nn.batchnorm import *  # noqa: F403
from tinygrad_cnn.nn.container import *  # noqa: F403
from tinygrad_cnn.nn.conv import *  # noqa: F403
from tinygrad_cnn.nn.dropout import *  # noqa: F403
from tinygrad_cnn.nn.linear import *  # noqa: F403
from tinygrad_cnn.nn.loss import *  # noqa: F403
from tinygrad_cnn.nn.module import *  # noqa: F403
from tinygrad_cnn.nn.parameter import *  # noqa: F403
from tinygrad_cnn.nn.pooling import *  # noqa: F403
