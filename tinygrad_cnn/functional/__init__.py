"""torch.nn.functional's names over our operations: layers without state, as plain functions.

    import tinygrad_cnn.functional as F

    h = F.max_pool2d(F.relu(F.conv2d(x, w, b, padding=2)), 2)
    loss = F.cross_entropy(h.flatten(1), labels)

Names, arguments, defaults and results are PyTorch's. A file a family:

    activation      relu, sigmoid, tanh, softmax ...          convolution   conv1d, conv2d, conv3d
    linear          linear, flatten                           pooling       max_pool2d, avg_pool2d ...
    normalization   batch_norm                                dropout       dropout
    loss            cross_entropy, nll_loss, mse_loss ...     padding       pad
"""

from tinygrad_cnn.functional.activation import (
    leaky_relu,
    log_softmax,
    logsigmoid,
    relu,
    sigmoid,
    softmax,
    softplus,
    tanh,
)
from tinygrad_cnn.functional.convolution import conv1d, conv2d, conv3d
from tinygrad_cnn.functional.dropout import dropout
from tinygrad_cnn.functional.linear import flatten, linear
from tinygrad_cnn.functional.loss import cross_entropy, l1_loss, mse_loss, nll_loss, one_hot
from tinygrad_cnn.functional.normalization import batch_norm
from tinygrad_cnn.functional.padding import pad
from tinygrad_cnn.functional.pooling import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "conv1d",
    "conv2d",
    "conv3d",
    "cross_entropy",
    "dropout",
    "flatten",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "pad",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "tanh",
]
