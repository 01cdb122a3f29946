"""The names PyTorch users look for: they exist, and their arguments are called, ordered and preset as there.

What is asked for is written down here, name by name, so that nothing gets lost unnoticed. The comparison of
the signatures needs PyTorch.
"""

from __future__ import annotations

import importlib
import inspect
import re

import pytest


def words(text):
    return text.split()


FUNCTIONS = words("""
    relu relu6 leaky_relu prelu rrelu elu selu celu gelu silu mish softplus softsign sigmoid logsigmoid
    hardsigmoid hardswish hardtanh hardshrink softshrink tanhshrink tanh threshold
    softmax log_softmax softmin gumbel_softmax glu
    linear bilinear embedding one_hot scaled_dot_product_attention
    conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d unfold fold
    interpolate pixel_shuffle pixel_unshuffle channel_shuffle pad
    max_pool1d max_pool2d max_pool3d max_unpool1d max_unpool2d max_unpool3d
    avg_pool1d avg_pool2d avg_pool3d lp_pool1d lp_pool2d lp_pool3d
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
    adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d
    batch_norm layer_norm group_norm instance_norm rms_norm local_response_norm
    dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout
    cross_entropy nll_loss binary_cross_entropy binary_cross_entropy_with_logits kl_div
    mse_loss l1_loss huber_loss smooth_l1_loss poisson_nll_loss gaussian_nll_loss
    soft_margin_loss multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss
    margin_ranking_loss hinge_embedding_loss cosine_embedding_loss triplet_margin_loss
    normalize cosine_similarity pairwise_distance
""")

# Of the lectures, papers and other libraries; torch.nn.functional has none of them.
OTHER_FUNCTIONS = words("""
    flatten separable_conv2d global_avg_pool global_max_pool hinge_loss focal_loss sigmoid_focal_loss
    soft_dice_loss soft_jaccard_loss soft_tversky_loss lovasz_softmax_loss
""")

LAYERS = words("""
    Module Parameter Sequential ModuleList ModuleDict ParameterList ParameterDict Identity Flatten Unflatten
    ReLU ReLU6 LeakyReLU PReLU RReLU ELU SELU CELU GELU SiLU Mish Softplus Softsign Sigmoid LogSigmoid
    Hardsigmoid Hardswish Hardtanh Hardshrink Softshrink Tanhshrink Tanh Threshold
    Softmax LogSoftmax Softmin Softmax2d GLU
    Linear Bilinear Embedding MultiheadAttention
    Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d Unfold Fold
    Upsample UpsamplingNearest2d UpsamplingBilinear2d PixelShuffle PixelUnshuffle ChannelShuffle
    ZeroPad1d ZeroPad2d ZeroPad3d ConstantPad1d ConstantPad2d ConstantPad3d
    ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d
    CircularPad1d CircularPad2d CircularPad3d
    MaxPool1d MaxPool2d MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d
    AvgPool1d AvgPool2d AvgPool3d LPPool1d LPPool2d LPPool3d
    AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d
    AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d
    BatchNorm1d BatchNorm2d BatchNorm3d InstanceNorm1d InstanceNorm2d InstanceNorm3d
    LayerNorm GroupNorm RMSNorm LocalResponseNorm
    Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout
    CrossEntropyLoss NLLLoss BCELoss BCEWithLogitsLoss KLDivLoss
    MSELoss L1Loss HuberLoss SmoothL1Loss PoissonNLLLoss GaussianNLLLoss
    SoftMarginLoss MultiMarginLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss
    MarginRankingLoss HingeEmbeddingLoss CosineEmbeddingLoss TripletMarginLoss
    CosineSimilarity PairwiseDistance
""")

OTHER_LAYERS = words("""
    SeparableConv2d GlobalAvgPool GlobalMaxPool HingeLoss FocalLoss SigmoidFocalLoss
    SoftDiceLoss SoftJaccardLoss SoftTverskyLoss LovaszSoftmaxLoss
""")

INITIALIZERS = words("""
    calculate_gain uniform_ normal_ trunc_normal_ constant_ zeros_ ones_ eye_ dirac_ sparse_ orthogonal_
    xavier_uniform_ xavier_normal_ kaiming_uniform_ kaiming_normal_
""")

UTILITIES = words("""
    clip_grad_norm_ clip_grad_value_ clip_grads_with_norm_ get_total_norm
    parameters_to_vector vector_to_parameters
""")

OPTIMIZERS = words("SGD Adagrad Adadelta RMSprop Adam AdamW NAdam RAdam Adamax Rprop")

SCHEDULES = words("""
    StepLR MultiStepLR ExponentialLR CosineAnnealingLR CosineAnnealingWarmRestarts ReduceLROnPlateau
    OneCycleLR LinearLR
""")

ROOMS = {  # ours, PyTorch's, the names of both, the names we alone have
    "functional": ("torch.nn.functional", FUNCTIONS, OTHER_FUNCTIONS),
    "nn": ("torch.nn", LAYERS, OTHER_LAYERS),
    "nn.init": ("torch.nn.init", INITIALIZERS, ["fans"]),
    "nn.utils": ("torch.nn.utils", UTILITIES, []),
    "optim": ("torch.optim", OPTIMIZERS, ["HeavyBall"]),
    "optim.lr_scheduler": ("torch.optim.lr_scheduler", SCHEDULES, []),
}

SHARED = [(room, name) for room, (_, names, _) in ROOMS.items() for name in names]
OURS = [(room, name) for room, (_, _, names) in ROOMS.items() for name in names]


def find(room, name):
    return getattr(importlib.import_module(f"tinygrad_cnn.{room}"), name)


@pytest.mark.parametrize(("room", "name"), SHARED + OURS)
def test_the_name_exists(room, name):
    assert callable(find(room, name))
    assert name in dir(importlib.import_module(f"tinygrad_cnn.{room}"))


@pytest.mark.parametrize("room", ["functional", "nn"])
def test_every_public_name_is_listed(room):
    module = importlib.import_module(f"tinygrad_cnn.{room}")
    here = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and callable(value) and not inspect.ismodule(value)
    }
    _, names, ours = ROOMS[room]
    assert here == {*names, *ours}


# --- as PyTorch has it ----------------------------------------------------------------------------

# Arguments that PyTorch has and we leave out everywhere, and why.
LEFT_OUT = {
    **dict.fromkeys(("size_average", "reduce", "min_value", "max_value"), "deprecated there"),
    **dict.fromkeys(("_stacklevel", "_weight", "_freeze"), "private there"),
    **dict.fromkeys(("inplace", "out"), "results are always new tensors"),
    "device": "a layer is made on the backend in force, and moved by `to`",
    "dtype": "ours is given by name alone, and is no torch.dtype",
    "sparse": "gradients are always whole tensors",
    "set_to_none": "a gradient that was forgotten is None",
    "generator": "numbers come from the library's own seed",
    "maximize": "ours is given by name alone",
    **dict.fromkeys(("foreach", "fused", "capturable", "differentiable"), "for the sake of speed there"),
}

# Where our arguments are not those of PyTorch, and why.
THE_OPERATIONS_LETTER = "an operation calls its input x, as its formula does; it comes first, by position"
EXCEPTIONS = {
    **dict.fromkeys(
        ("relu", "leaky_relu", "sigmoid", "logsigmoid", "softplus", "tanh"), THE_OPERATIONS_LETTER
    ),
    "one_hot": "what becomes one-hot is called labels; `tensor` says nothing",
    "gumbel_softmax": "its eps is without effect there",
    "MultiheadAttention": "add_bias_kv and add_zero_attn are left out, so what follows is given by name",
    "Parameter": "the data has no default: an empty parameter learns nothing",
}

# Where a default differs, and why.
OTHER_DEFAULTS = {
    ("softmax", "dim"): "a missing dim would be guessed, with a warning there",
    ("log_softmax", "dim"): "as softmax",
    ("softmin", "dim"): "as softmax",
    ("Softmax", "dim"): "as softmax",
    ("LogSoftmax", "dim"): "as softmax",
    ("Softmin", "dim"): "as softmax",
}


def arguments(function):
    """Names and defaults, as far as they can be given by position."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
    given = [p for p in inspect.signature(function).parameters.values() if p.kind in kinds]
    return {p.name: p.default for p in given if p.name not in LEFT_OUT}


def arguments_there(room, name):
    """Those of PyTorch's function; one written in C++ tells them in the first line of its documentation."""
    module = importlib.import_module(room)
    # A pool with and without indices hides behind a dispatcher without a signature.
    function = getattr(module, f"{name}_with_indices", getattr(module, name))
    try:
        return arguments(function)
    except ValueError:
        told = re.search(rf"\b{name}\((.*?)\) *->", function.__doc__, re.DOTALL)
        names = [part.split("=")[0].strip() for part in told[1].split(",")]
        return {n: None for n in names if n not in LEFT_OUT and n not in ("*", "/")}


@pytest.mark.parametrize(("room", "name"), [case for case in SHARED if case[1] not in EXCEPTIONS])
def test_arguments_are_pytorchs(room, name):
    pytest.importorskip("torch", reason="PyTorch, the reference, is not installed")
    theirs, ours = arguments_there(ROOMS[room][0], name), arguments(find(room, name))
    assert list(ours) == list(theirs)


@pytest.mark.parametrize(("room", "name"), [case for case in SHARED if case[1] not in EXCEPTIONS])
def test_defaults_are_pytorchs(room, name):
    torch = pytest.importorskip("torch", reason="PyTorch, the reference, is not installed")
    function = getattr(importlib.import_module(ROOMS[room][0]), name)
    try:
        theirs = arguments(function)
    except ValueError:
        assert isinstance(function, type(torch.relu)), "written in C++, and compared by its results"
        return
    ours = arguments(find(room, name))
    differing = {n for n, value in theirs.items() if n in ours and ours[n] != value}
    assert differing == {n for given, n in OTHER_DEFAULTS if given == name}


def test_every_exception_is_one():
    pytest.importorskip("torch", reason="PyTorch, the reference, is not installed")
    for room, name in SHARED:
        if name in EXCEPTIONS:
            ours, theirs = find(room, name), arguments_there(ROOMS[room][0], name)
            assert arguments(ours) != theirs, f"{name} needs no exception any more"
