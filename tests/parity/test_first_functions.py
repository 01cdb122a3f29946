"""The same calls to PyTorch and to us: results and gradients agree in float64."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from parity.compare import parity, randn, torch

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")


@pytest.mark.parametrize("spatial", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, "same", "valid"])
@pytest.mark.parametrize(("stride", "dilation", "groups"), [(1, 1, 1), (2, 1, 1), (1, 2, 2), (2, 1, 4)])
def test_conv(spatial, padding, stride, dilation, groups):
    if padding == "same" and stride > 1:
        return  # an error in both
    size = (7, 6, 5)[:spatial]
    parity(
        f"conv{spatial}d",
        randn(2, 4, *size),
        randn(8, 4 // groups, *(3, 2, 3)[:spatial]),
        randn(8),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def test_conv_same_with_an_even_kernel():
    parity("conv2d", randn(1, 2, 6, 6), randn(3, 2, 4, 2), padding="same", dilation=(1, 3))


@pytest.mark.parametrize("spatial", [1, 2, 3])
@pytest.mark.parametrize(
    ("kernel_size", "stride", "padding", "ceil_mode"),
    list(itertools.product([2, 3], [None, 1, 2], [0, 1], [False, True])),
)
def test_pools(spatial, kernel_size, stride, padding, ceil_mode):
    x = randn(2, 2, *(7, 6, 5)[:spatial])
    options = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    parity(f"max_pool{spatial}d", x, **options)
    for count_include_pad in (True, False):
        parity(f"avg_pool{spatial}d", x, **options, count_include_pad=count_include_pad)
    _, mine = getattr(F, f"max_pool{spatial}d")(tc.tensor(x), **options, return_indices=True)
    _, theirs = getattr(torch.nn.functional, f"max_pool{spatial}d")(
        torch.tensor(x), **options, return_indices=True
    )
    np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


def test_max_pool_dilation():
    parity("max_pool2d", randn(2, 2, 9, 8), kernel_size=(3, 2), dilation=(2, 3), stride=(1, 2))


@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 4), (5, 3, 4, 2)])
def test_batch_norm(shape):
    x, w, b = randn(*shape), randn(3), randn(3)
    mean, var = randn(3), np.abs(randn(3)) + 1
    for training in (True, False):
        statistics = [(tc.tensor(mean), tc.tensor(var)), (torch.tensor(mean), torch.tensor(var))]
        mine = F.batch_norm(
            tc.tensor(x), *statistics[0], tc.tensor(w), tc.tensor(b), training=training, momentum=0.3
        )
        theirs = torch.nn.functional.batch_norm(
            torch.tensor(x), *statistics[1], torch.tensor(w), torch.tensor(b), training=training, momentum=0.3
        )
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-10)
        for ours, reference in zip(*statistics, strict=True):
            np.testing.assert_allclose(ours.numpy(), reference.numpy(), rtol=1e-12)


@pytest.mark.parametrize("spatial", [(), (4,), (2, 3)])
@pytest.mark.parametrize("kind", ["labels", "probabilities"])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy(spatial, kind, label_smoothing, reduction, weighted):
    logits = randn(6, 3, *spatial)
    if kind == "labels":
        target = np.random.default_rng(1).integers(0, 3, (6, *spatial))
        target.flat[1] = -100
    else:
        target = np.abs(randn(6, 3, *spatial, 1)[..., 0])
    parity(
        "cross_entropy",
        logits,
        target,
        label_smoothing=label_smoothing,
        reduction=reduction,
        weight=np.array([1.0, 2.0, 0.5]) if weighted else None,
    )


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "sigmoid", "tanh", "softplus", "logsigmoid"])
def test_activations(name):
    parity(name, randn(4, 5))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name):
    parity(name, randn(4, 5, 2), dim=1)


def test_linear_and_losses():
    parity("linear", randn(2, 3, 4), randn(5, 4), randn(5))
    parity("mse_loss", randn(3, 2), randn(3, 2, 1)[..., 0])
    parity("l1_loss", randn(3, 2), randn(3, 2, 1)[..., 0])
    parity("pad", randn(2, 3, 4), pad=(1, 2, 0, 1), value=2.0)
