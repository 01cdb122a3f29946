"""torch.nn.functional's names over our operations: layers without state, as plain functions.

    import tinygrad_cnn.functional as F

    h = F.max_pool2d(F.relu(F.conv2d(x, w, b, padding=2)), 2)
    loss = F.cross_entropy(h.flatten(1), labels)

Names, arguments, defaults and results are PyTorch's. A file a family:

  activations
    activation      sigmoid, tanh, gelu, silu, elu ...        the smooth ones
    piecewise       relu, leaky_relu, hardtanh, prelu ...     those of straight pieces
    softmax         softmax, log_softmax, glu ...             those that look at neighbours
  layers
    linear          linear, bilinear, flatten
    convolution     conv1d, conv2d, conv3d, separable_conv2d
    transposed      conv_transpose1d, conv_transpose2d, conv_transpose3d
    embedding       embedding
    attention       scaled_dot_product_attention
    batchnorm       batch_norm, instance_norm
    normalization   layer_norm, group_norm, rms_norm, local_response_norm
    dropout         dropout, dropout2d, alpha_dropout ...
  smaller and larger images
    pooling         max_pool2d, avg_pool2d ...
    adaptive        adaptive_avg_pool2d, global_avg_pool ...
    lp_pooling      lp_pool1d, lp_pool2d, lp_pool3d
    unpooling       max_unpool1d, max_unpool2d, max_unpool3d
    padding         pad
    resampling      interpolate
    patches         unfold, fold, pixel_shuffle ...
  losses
    loss            cross_entropy, nll_loss, binary_cross_entropy, kl_div ...
    regression_loss mse_loss, l1_loss, huber_loss ...
    margin_loss     hinge_loss, multi_margin_loss ...
    embedding_loss  cosine_embedding_loss, triplet_margin_loss ...
    focal_loss      focal_loss, sigmoid_focal_loss
    overlap_loss    soft_dice_loss, soft_jaccard_loss, lovasz_softmax_loss ...
    similarity      cosine_similarity, pairwise_distance, normalize

Files with an underscore hold what several families share.
"""

from tinygrad_cnn.functional.activation import *  # noqa: F403
from tinygrad_cnn.functional.adaptive import *  # noqa: F403
from tinygrad_cnn.functional.attention import *  # noqa: F403
from tinygrad_cnn.functional.batchnorm import *  # noqa: F403
from tinygrad_cnn.functional.convolution import *  # noqa: F403
from tinygrad_cnn.functional.dropout import *  # noqa: F403
from tinygrad_cnn.functional.embedding import *  # noqa: F403
from tinygrad_cnn.functional.embedding_loss import *  # noqa: F403
from tinygrad_cnn.functional.focal_loss import *  # noqa: F403
from tinygrad_cnn.functional.linear import *  # noqa: F403
from tinygrad_cnn.functional.loss import *  # noqa: F403
from tinygrad_cnn.functional.lp_pooling import *  # noqa: F403
from tinygrad_cnn.functional.margin_loss import *  # noqa: F403
from tinygrad_cnn.functional.normalization import *  # noqa: F403
from tinygrad_cnn.functional.overlap_loss import *  # noqa: F403
from tinygrad_cnn.functional.padding import *  # noqa: F403
from tinygrad_cnn.functional.patches import *  # noqa: F403
from tinygrad_cnn.functional.piecewise import *  # noqa: F403
from tinygrad_cnn.functional.pooling import *  # noqa: F403
from tinygrad_cnn.functional.regression_loss import *  # noqa: F403
from tinygrad_cnn.functional.resampling import *  # noqa: F403
from tinygrad_cnn.functional.similarity import *  # noqa: F403
from tinygrad_cnn.functional.softmax import *  # noqa: F403
from tinygrad_cnn.functional.transposed import *  # noqa: F403
from tinygrad_cnn.functional.unpooling import *  # noqa: F403
