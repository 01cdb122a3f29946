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

from tinygrad_cnn.functional.activation import *  # noqa: F403
from tinygrad_cnn.functional.convolution import *  # noqa: F403
from tinygrad_cnn.functional.dropout import *  # noqa: F403
from tinygrad_cnn.functional.linear import *  # noqa: F403
from tinygrad_cnn.functional.loss import *  # noqa: F403
from tinygrad_cnn.functional.normalization import *  # noqa: F403
from tinygrad_cnn.functional.padding import *  # noqa: F403
from tinygrad_cnn.functional.pooling import *  # noqa: F403
