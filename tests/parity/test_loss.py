"""Losses for classes, probabilities and numbers: PyTorch's results and gradients over grids of arguments."""

from __future__ import annotations

import numpy as np
import pytest
from parity.compare import layer_parity, parity, randn

pytestmark = pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")

REDUCTIONS = pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
WEIGHTED = pytest.mark.parametrize("weighted", [False, True])
INFINITE = pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
SHAPES = pytest.mark.parametrize("shape", [(), (5,), (4, 3), (2, 3, 2), (0, 3)])
CLASSES = np.array([1.0, 2.0, 0.5])


def labels(*shape, classes=3):
    return np.random.default_rng(1).integers(0, classes, shape)


def shares(*shape):
    """Numbers between 0 and 1, away from both."""
    return np.asarray(np.random.default_rng([*shape, 3]).uniform(0.05, 0.95, shape))


def reals(*shape):
    """Two arrays of unlike numbers."""
    pair = 2 * randn(2, *shape)
    return np.asarray(pair[0]), np.asarray(pair[1])


def shares_of(*shape):
    pair = shares(2, *shape)
    return np.asarray(pair[0]), np.asarray(pair[1])


def log(x):
    return np.asarray(np.log(x))


# --- classes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("spatial", [(), (4,), (2, 3)])
@pytest.mark.parametrize("kind", ["labels", "probabilities"])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
@REDUCTIONS
@WEIGHTED
def test_cross_entropy(spatial, kind, label_smoothing, reduction, weighted):
    target = labels(6, *spatial) if kind == "labels" else shares(6, 3, *spatial)
    if kind == "labels":
        target.flat[1] = -100
    parity(
        "cross_entropy",
        randn(6, 3, *spatial),
        target,
        label_smoothing=label_smoothing,
        reduction=reduction,
        weight=CLASSES if weighted else None,
    )


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize(
    ("shape", "target"), [((3,), ()), ((0, 3), (0,)), ((0, 3, 2), (0, 2)), ((2, 3, 0), (2, 0))]
)
@REDUCTIONS
@WEIGHTED
def test_single_samples_and_none(name, shape, target, reduction, weighted):
    parity(name, randn(*shape), labels(*target), reduction=reduction, weight=CLASSES if weighted else None)


@pytest.mark.parametrize("spatial", [(), (4,), (2, 3), (2, 2, 2)])
@pytest.mark.parametrize("ignore_index", [-100, 1])
@REDUCTIONS
@WEIGHTED
def test_nll_loss(spatial, ignore_index, reduction, weighted):
    target = labels(6, *spatial)
    target.flat[1] = ignore_index
    parity(
        "nll_loss",
        randn(6, 3, *spatial),
        target,
        ignore_index=ignore_index,
        reduction=reduction,
        weight=CLASSES if weighted else None,
    )


@pytest.mark.parametrize("logits", [[1e3, -1e3, 0.0], [-np.inf, 0.0, 1.0], [np.nan, 0.0, 1.0]])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
@INFINITE
def test_extreme_logits(logits, label_smoothing):
    z = np.array([logits, [0.5, 1.0, 2.0]])
    for label in (0, 1, -100):
        target = np.array([label, 2])
        parity("cross_entropy", z, target, label_smoothing=label_smoothing, reduction="none")
        parity("cross_entropy", z, target, label_smoothing=label_smoothing)


# --- probabilities --------------------------------------------------------------------------------


@SHAPES
@REDUCTIONS
@pytest.mark.parametrize("weight", [None, (), "last", "all"])
def test_binary_cross_entropy(shape, reduction, weight):
    if isinstance(weight, str):
        weight = shares(*(shape if weight == "all" else shape[-1:]))
    elif weight is not None:
        weight = np.array(1.5)
    p, y = shares_of(*shape)
    parity("binary_cross_entropy", p, y, weight=weight, reduction=reduction)
    for pos_weight in (None, np.array([2.0]) if shape else np.array(2.0)):
        parity(
            "binary_cross_entropy_with_logits",
            reals(*shape)[0],
            y,
            weight=weight,
            pos_weight=pos_weight,
            reduction=reduction,
        )


def test_certain_probabilities():
    """Logarithms end at −100, and the gradient is large, but finite."""
    p, y = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])
    # PyTorch's smallest divisor is 10⁻¹² in single precision.
    single = {"float64": {"rtol": 1e-8}}
    for reduction in ("none", "mean", "sum"):
        parity("binary_cross_entropy", p, target=y, reduction=reduction, tolerance=single)


@pytest.mark.parametrize("pos_weight", [None, np.array(3.0)])
@INFINITE
def test_extreme_binary_logits(pos_weight):
    z = np.array([1e3, -1e3, 1e3, -1e3, 0.0, np.inf, -np.inf, np.inf, -np.inf, np.nan])
    y = np.array([1.0, 1.0, 0.0, 0.0, 0.5, 1.0, 1.0, 0.0, 0.0, 0.5])
    parity("binary_cross_entropy_with_logits", z, y, pos_weight=pos_weight, reduction="none")


@SHAPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "batchmean"])
@pytest.mark.parametrize("log_target", [False, True])
def test_kl_div(shape, reduction, log_target):
    q, p = shares_of(*shape)
    parity("kl_div", log(q), log(p) if log_target else p, reduction=reduction, log_target=log_target)


# --- numbers --------------------------------------------------------------------------------------


@SHAPES
@REDUCTIONS
@WEIGHTED
def test_mse_l1_huber(shape, reduction, weighted):
    x, y = reals(*shape)
    weight = shares(*shape) if weighted else None
    for name in ("mse_loss", "l1_loss", "huber_loss"):
        parity(name, x, y, reduction=reduction, weight=weight)
    parity("huber_loss", x, y, reduction=reduction, weight=weight, delta=0.3)


@SHAPES
@REDUCTIONS
@pytest.mark.parametrize("beta", [0.0, 0.25, 1.0, 3.0])
def test_smooth_l1(shape, reduction, beta):
    parity("smooth_l1_loss", *reals(*shape), reduction=reduction, beta=beta)


@pytest.mark.parametrize("name", ["mse_loss", "huber_loss", "smooth_l1_loss"])
@INFINITE
def test_extreme_numbers_and_corners(name):
    x = np.array([np.inf, -np.inf, np.nan, 1e3, -1e3, 1.0, -1.0, 0.0])
    parity(name, x, np.zeros(8), reduction="none")


@SHAPES
@REDUCTIONS
@pytest.mark.parametrize("log_input", [True, False])
@pytest.mark.parametrize("full", [True, False])
def test_poisson(shape, reduction, log_input, full):
    x, y = shares_of(*shape)
    y = np.asarray(4 * y)  # Stirling's approximation begins at 1
    parity("poisson_nll_loss", x, y, log_input=log_input, full=full, reduction=reduction)


@pytest.mark.parametrize("var", [(4, 3), (4,), (4, 1), (1, 3), 2.0])
@REDUCTIONS
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("eps", [1e-6, 0.5])
def test_gaussian(var, reduction, full, eps):
    v = var if isinstance(var, float) else shares(*var)
    parity("gaussian_nll_loss", *reals(4, 3), v, full=full, eps=eps, reduction=reduction)


# --- layers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("NLLLoss", {"weight": CLASSES, "ignore_index": 1}),
        ("CrossEntropyLoss", {"weight": CLASSES, "label_smoothing": 0.1, "reduction": "sum"}),
        ("CrossEntropyLoss", {"ignore_index": 2}),
    ],
)
def test_layers_of_classes(name, options):
    layer_parity(name, randn(5, 3), labels(5), **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("BCELoss", {"weight": CLASSES}),
        ("BCEWithLogitsLoss", {"weight": CLASSES, "pos_weight": CLASSES, "reduction": "none"}),
        ("KLDivLoss", {"reduction": "batchmean", "log_target": True}),
        ("MSELoss", {"reduction": "sum"}),
        ("L1Loss", {}),
        ("HuberLoss", {"delta": 0.2, "reduction": "none"}),
        ("SmoothL1Loss", {"beta": 0.2}),
        ("PoissonNLLLoss", {"log_input": False, "full": True, "eps": 1e-3}),
    ],
)
def test_layers_of_numbers(name, options):
    layer_parity(name, shares(5, 3), shares(5, 3, 2)[..., 0], **options)


def test_gaussian_layer():
    layer_parity("GaussianNLLLoss", randn(5, 3), randn(5, 3), shares(5, 3), full=True, eps=1e-2)
