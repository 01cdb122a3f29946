"""Layers: functions that own what they learn.

    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(6 * 14 * 14, 10),
    )
    logits = model(images)

Names, arguments, defaults and the names of saved weights are torch.nn's. Start reading at `module.py`; a
layer is a few lines around a function of `tinygrad_cnn.functional`.

    module       Module: what every layer and network is       parameter    Parameter: a tensor that learns
    container    Sequential, ModuleList, ModuleDict ...        init         how weights begin
    linear       Linear, Bilinear, Flatten, Identity           conv         Conv2d, SeparableConv2d ...
    pooling      MaxPool2d, MaxUnpool2d, AvgPool2d, LPPool2d   batchnorm    BatchNorm1d, 2d, 3d
    dropout      Dropout, Dropout2d, AlphaDropout ...          activation   Sigmoid, Tanh, GELU ...
    piecewise    ReLU, LeakyReLU, PReLU, Hardtanh ...          softmax      Softmax, LogSoftmax, GLU ...
    loss         CrossEntropyLoss, BCELoss, KLDivLoss ...      adaptive     AdaptiveAvgPool2d ...
    margin_loss  HingeLoss, TripletMarginLoss ...              overlap_loss SoftDiceLoss, LovaszSoftmaxLoss
    regression_loss MSELoss, L1Loss, HuberLoss ...
    attention    MultiheadAttention
    embedding    Embedding                                     similarity   CosineSimilarity, PairwiseDistance
    transposed   ConvTranspose1d, 2d, 3d                       padding      ZeroPad2d, ReflectionPad2d ...
    resampling   Upsample ...                                  patches      Unfold, Fold, PixelShuffle ...
    utils        clip_grad_norm_, parameters_to_vector ...
    normalization   LayerNorm, GroupNorm, InstanceNorm2d, RMSNorm, LocalResponseNorm
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
