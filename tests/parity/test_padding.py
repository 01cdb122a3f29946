"""Padding: results and gradients are PyTorch's, whatever the mode and the signs."""

from __future__ import annotations

import pytest
from parity.compare import layer_parity, parity, randn

MODES = ["constant", "reflect", "replicate", "circular"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "pads",
    [(1, 2), (2, 0, 1, 1), (0, 1, 2, 1, 0, 3), (-1, 2), (2, -2), (-1, -1, 3, -1), (1, 1, 0, -2, 1, 0)],
)
def test_pad(mode, pads):
    size = (5, 4, 6)[-len(pads) // 2 :]
    parity("pad", randn(2, 3, *size), pad=pads, mode=mode)
    parity("pad", randn(3, *size), pad=pads, mode=mode)


@pytest.mark.parametrize("mode", MODES)
def test_pad_as_far_as_it_goes(mode):
    reach = {"reflect": 3}.get(mode, 4)
    parity("pad", randn(1, 2, 4), pad=(reach, reach), mode=mode)
    parity("pad", randn(0, 2, 4), pad=(reach, 0), mode=mode)


@pytest.mark.parametrize("mode", ["reflect", "replicate"])
@pytest.mark.parametrize("pads", [(-3, 3), (3, -3), (-5, 2), (2, -5), (-4, 1)])
def test_copies_of_cells_that_are_cut_off_themselves(mode, pads):
    parity("pad", randn(1, 2, 4), pad=pads, mode=mode)


@pytest.mark.parametrize("pads", [(), (1, 2), (0, 0, 1, 1), (1, 2, 3, 4, 0, 1), (-1, 0, 0, -2, 1, 1)])
def test_constant_padding_of_any_number_of_dimensions(pads):
    parity("pad", randn(2, 3, 4), pad=pads, value=-1.5)
    parity("pad", randn(2, 1, 3, 4), pad=pads)


def test_constant_padding_of_nothing():
    parity("pad", randn(2, 0), pad=(2, 1), value=1.0)
    parity("pad", randn(2, 3), pad=(-2, -1))
    parity("pad", randn(1)[0:1].reshape(()), pad=())


@pytest.mark.parametrize("spatial", [1, 2, 3])
@pytest.mark.parametrize("kind", ["ZeroPad", "ConstantPad", "ReflectionPad", "ReplicationPad", "CircularPad"])
@pytest.mark.parametrize("pads", [1, (1, 2, 0, 1, 2, 1)])
def test_padding_layers(spatial, kind, pads):
    pads = pads if isinstance(pads, int) else pads[: 2 * spatial]
    args = (pads, 2.5) if kind == "ConstantPad" else (pads,)
    x = randn(2, 3, *(4, 3, 5)[:spatial])
    layer_parity(f"{kind}{spatial}d", x, args=args)
    layer_parity(f"{kind}{spatial}d", x[0], args=args)
