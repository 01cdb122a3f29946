"""Loss layers: what their functions compute, on every backend; their state, and that options may change."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn import nn
from tinygrad_cnn_backends.scalar import chain_rule

SCORES = [[0.3, -2.0, 1.0], [1.0, 4.0, -0.5]]
SHARES = [[0.3, 0.2, 0.5], [0.1, 0.8, 0.1]]
OTHERS = [[0.6, 0.3, 0.1], [0.2, 0.3, 0.5]]
LABELS = [0, 2]
SIGNS = [[1, -1, 1], [-1, -1, 1]]
WEIGHT = [1.0, 2.0, 0.5]

# layer, its options, function, the tensors it takes
LOSSES = [
    (nn.CrossEntropyLoss, {"weight": WEIGHT, "label_smoothing": 0.1}, F.cross_entropy, (SCORES, LABELS)),
    (nn.NLLLoss, {"weight": WEIGHT, "ignore_index": 2}, F.nll_loss, (SCORES, LABELS)),
    (nn.BCELoss, {"weight": WEIGHT}, F.binary_cross_entropy, (SHARES, OTHERS)),
    (
        nn.BCEWithLogitsLoss,
        {"weight": WEIGHT, "pos_weight": WEIGHT},
        F.binary_cross_entropy_with_logits,
        (SCORES, OTHERS),
    ),
    (nn.FocalLoss, {"weight": WEIGHT, "gamma": 1.5, "ignore_index": 2}, F.focal_loss, (SCORES, LABELS)),
    (nn.SigmoidFocalLoss, {"alpha": 0.4, "gamma": 1.5}, F.sigmoid_focal_loss, (SCORES, OTHERS)),
    (nn.KLDivLoss, {"reduction": "batchmean", "log_target": True}, F.kl_div, (SCORES, OTHERS)),
    (nn.MSELoss, {"reduction": "sum"}, F.mse_loss, (SCORES, OTHERS)),
    (nn.L1Loss, {"reduction": "none"}, F.l1_loss, (SCORES, OTHERS)),
    (nn.HuberLoss, {"delta": 0.4}, F.huber_loss, (SCORES, OTHERS)),
    (nn.SmoothL1Loss, {"beta": 0.4}, F.smooth_l1_loss, (SCORES, OTHERS)),
    (
        nn.PoissonNLLLoss,
        {"log_input": False, "full": True, "eps": 1e-3},
        F.poisson_nll_loss,
        (SHARES, OTHERS),
    ),
    (nn.GaussianNLLLoss, {"full": True, "eps": 0.05}, F.gaussian_nll_loss, (SCORES, OTHERS, SHARES)),
    (nn.HingeLoss, {"margin": 0.4}, F.hinge_loss, (SCORES, LABELS)),
    (nn.SoftMarginLoss, {"reduction": "sum"}, F.soft_margin_loss, (SCORES, SIGNS)),
    (nn.MultiMarginLoss, {"p": 2, "margin": 0.4, "weight": WEIGHT}, F.multi_margin_loss, (SCORES, LABELS)),
    (
        nn.MultiLabelMarginLoss,
        {"reduction": "none"},
        F.multilabel_margin_loss,
        (SCORES, [[2, 0, -1], [1, -1, 0]]),
    ),
    (nn.MultiLabelSoftMarginLoss, {"weight": WEIGHT}, F.multilabel_soft_margin_loss, (SCORES, OTHERS)),
    (nn.MarginRankingLoss, {"margin": 0.4}, F.margin_ranking_loss, (SCORES, OTHERS, SIGNS)),
    (nn.HingeEmbeddingLoss, {"margin": 0.4}, F.hinge_embedding_loss, (SCORES, SIGNS)),
    (nn.CosineEmbeddingLoss, {"margin": 0.1}, F.cosine_embedding_loss, (SCORES, OTHERS, [1, -1])),
    (
        nn.TripletMarginLoss,
        {"margin": 2.0, "p": 3.0, "eps": 1e-3, "swap": True},
        F.triplet_margin_loss,
        (SCORES, OTHERS, SHARES),
    ),
    (nn.SoftDiceLoss, {"smooth": 0.1, "squared": True}, F.soft_dice_loss, (SHARES, LABELS)),
    (nn.SoftJaccardLoss, {"smooth": 0.1, "reduction": "none"}, F.soft_jaccard_loss, (SHARES, LABELS)),
    (nn.SoftTverskyLoss, {"alpha": 0.1, "beta": 0.7, "smooth": 0.1}, F.soft_tversky_loss, (SHARES, LABELS)),
    (
        nn.LovaszSoftmaxLoss,
        {"classes": "all", "per_image": True, "ignore_index": 0},
        F.lovasz_softmax_loss,
        (SHARES, LABELS),
    ),
]
each_loss = pytest.mark.parametrize(
    ("layer", "options", "function", "data"), LOSSES, ids=[loss[0].__name__ for loss in LOSSES]
)


def tensors(data, backend="numpy"):
    """Lists of floats become leaves in float64, lists of ints constants."""
    arrays = [np.array(one) for one in data]
    return [tc.tensor(one, backend=backend, requires_grad=one.dtype.kind == "f") for one in arrays]


def with_tensors(options, backend="numpy"):
    return {
        name: tc.tensor(np.array(value), backend=backend) if isinstance(value, list) else value
        for name, value in options.items()
    }


@each_loss
def test_layers_are_their_functions(layer, options, function, data):
    expected = function(*tensors(data), **with_tensors(options))
    plain = function(*tensors(data))
    loss = layer(**with_tensors(options))
    np.testing.assert_array_equal(loss(*tensors(data)).numpy(), expected.numpy())
    np.testing.assert_array_equal(layer()(*tensors(data)).numpy(), plain.numpy())
    assert expected.shape != plain.shape or (expected.numpy() != plain.numpy()).any()  # options matter


@each_loss
def test_layers_are_modules_without_parameters(layer, options, function, data):
    loss = layer(**with_tensors(options))
    assert list(loss.parameters()) == []
    assert list(loss.state_dict()) == [name for name in options if name in ("weight", "pos_weight")]
    assert repr(loss) == f"{layer.__name__}()"


@each_loss
def test_shapes_are_known_before_anything_is_computed(layer, options, function, data):
    result = layer(**with_tensors(options))(*tensors(data))
    on_meta = layer(**with_tensors(options, "meta"))(*tensors(data, "meta"))
    assert (on_meta.shape, on_meta.dtype) == (result.shape, result.dtype)


@each_loss
def test_gradients_are_the_chain_rule_of_single_numbers(layer, options, function, data):
    inputs = tensors(data)
    result = layer(**with_tensors(options))(*inputs)
    leaves = [value for value in inputs if value.requires_grad]
    gradients = tc.grad(result.sum(), leaves)
    on_scalars = tensors(data, "scalar")
    same = layer(**with_tensors(options, "scalar"))(*on_scalars)
    np.testing.assert_allclose(same.numpy(), result.numpy(), rtol=1e-12, atol=1e-15)
    numbers = [value.array for value in on_scalars if value.requires_grad]
    for mine, expected in zip(gradients, chain_rule(same.array, np.ones(same.shape), numbers), strict=True):
        np.testing.assert_allclose(mine.numpy(), expected, rtol=1e-12, atol=1e-14)


def test_options_may_change():
    loss = nn.HuberLoss(delta=1.0)
    x, y = tc.tensor([4.0]), tc.tensor([0.0])
    assert loss(x, y).item() == 3.5
    loss.delta, loss.reduction = 2.0, "none"
    assert loss(x, y).tolist() == [6.0]


def test_inputs_by_name():
    loss = nn.MSELoss()
    assert loss(target=tc.tensor([1.0]), input=tc.tensor([3.0])).item() == 4


def test_weights_travel_with_the_module():
    loss = nn.CrossEntropyLoss(tc.tensor(WEIGHT)).to("float64")
    assert loss.weight.dtype is tc.float64
    assert loss(*tensors((SCORES, LABELS))).dtype is tc.float64
