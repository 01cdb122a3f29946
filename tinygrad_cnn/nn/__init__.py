"""Layers: functions that own what they learn.

    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(6 * 14 * 14, 10),
    )
    logits = model(images)

Names, arguments, defaults and the names of saved weights are torch.nn's. Start reading at `module.py`; a
layer is a few lines around a function of `tinygrad_cnn.functional`.

  what networks are made of
    module          Module: every layer and every network
    parameter       Parameter: a tensor that learns
    container       Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict
    init            how weights begin
    utils           clip_grad_norm_, parameters_to_vector ...
  activations
    activation      Sigmoid, Tanh, GELU, SiLU, ELU ...
    piecewise       ReLU, LeakyReLU, PReLU, Hardtanh ...
    softmax         Softmax, LogSoftmax, GLU ...
  layers
    linear          Linear, Bilinear, Flatten, Unflatten, Identity
    conv            Conv1d, Conv2d, Conv3d, SeparableConv2d
    transposed      ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
    embedding       Embedding
    attention       MultiheadAttention
    batchnorm       BatchNorm2d, InstanceNorm2d ...
    normalization   LayerNorm, GroupNorm, RMSNorm, LocalResponseNorm
    dropout         Dropout, Dropout2d, AlphaDropout ...
  smaller and larger images
    pooling         MaxPool2d, MaxUnpool2d, AvgPool2d, LPPool2d ...
    adaptive        AdaptiveAvgPool2d, AdaptiveMaxPool2d, GlobalAvgPool ...
    padding         ZeroPad2d, ReflectionPad2d, CircularPad2d ...
    resampling      Upsample, UpsamplingNearest2d, UpsamplingBilinear2d
    patches         Unfold, Fold, PixelShuffle ...
  losses
    loss            CrossEntropyLoss, BCELoss, KLDivLoss, FocalLoss ...
    regression_loss MSELoss, L1Loss, HuberLoss ...
    margin_loss     HingeLoss, MultiMarginLoss, TripletMarginLoss ...
    overlap_loss    SoftDiceLoss, SoftJaccardLoss, LovaszSoftmaxLoss ...
    similarity      CosineSimilarity, PairwiseDistance

Files with an underscore hold what several families share: `_function.py` is most of the layers that learn
nothing, `_weights.py` how those that learn begin.
"""

from tinygrad_cnn.nn import functional, init, utils
from tinygrad_cnn.nn.activation import *  # noqa: F403
from tinygrad_cnn.nn.adaptive import *  # noqa: F403
from tinygrad_cnn.nn.attention import *  # noqa: F403
from tinygrad_cnn.nn.batchnorm import *  # noqa: F403
from tinygrad_cnn.nn.container import *  # noqa: F403
from tinygrad_cnn.nn.conv import *  # noqa: F403
from tinygrad_cnn.nn.dropout import *  # noqa: F403
from tinygrad_cnn.nn.embedding import *  # noqa: F403
from tinygrad_cnn.nn.linear import *  # noqa: F403
from tinygrad_cnn.nn.loss import *  # noqa: F403
from tinygrad_cnn.nn.margin_loss import *  # noqa: F403
from tinygrad_cnn.nn.module import *  # noqa: F403
from tinygrad_cnn.nn.normalization import *  # noqa: F403
from tinygrad_cnn.nn.overlap_loss import *  # noqa: F403
from tinygrad_cnn.nn.padding import *  # noqa: F403
from tinygrad_cnn.nn.parameter import *  # noqa: F403
from tinygrad_cnn.nn.patches import *  # noqa: F403
from tinygrad_cnn.nn.piecewise import *  # noqa: F403
from tinygrad_cnn.nn.pooling import *  # noqa: F403
from tinygrad_cnn.nn.regression_loss import *  # noqa: F403
from tinygrad_cnn.nn.resampling import *  # noqa: F403
from tinygrad_cnn.nn.similarity import *  # noqa: F403
from tinygrad_cnn.nn.softmax import *  # noqa: F403
from tinygrad_cnn.nn.transposed import *  # noqa: F403
