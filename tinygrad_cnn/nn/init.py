"""Initial weights: random, and of the right size.

A layer adds up `fan_in` products. If the weights are too large, the numbers grow from layer to layer; if too
small, they fade, and the gradients with them. So the weights are drawn with a variance of about 1/fan_in.

    kaiming     variance gain²/fan_in                  (He et al., arXiv:1502.01852, for ReLU: gain √2)
    xavier      variance gain² · 2/(fan_in + fan_out)  (Glorot and Bengio, AISTATS 2010, for tanh)
    orthogonal  keeps every length exactly             (Saxe et al., arXiv:1312.6120)
    eye, dirac  the layer begins by handing its input through

Names, formulas and defaults are PyTorch's. Every function overwrites its tensor and returns it; numbers are
drawn on the host from the library's seed (`tc.manual_seed`), so one seed gives the same weights on every
backend. A backend without values (meta) draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import count
from tinygrad_cnn.errors import ArgumentError, ShapeError, UnknownName
from tinygrad_cnn.nn import _draw
from tinygrad_cnn.nn._draw import filled
from tinygrad_cnn.nn._patterns import dirac_, eye_, orthogonal_, sparse_
from tinygrad_cnn.ops.creation import full

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "fans",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

_LINEAR = ("linear", *(f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3)), "sigmoid")
_GAINS: dict[str, Callable[[float], float]] = {
    **dict.fromkeys(_LINEAR, lambda _: 1.0),
    "tanh": lambda _: 5 / 3,
    "relu": lambda _: math.sqrt(2),
    "leaky_relu": lambda slope: math.sqrt(2 / (1 + slope**2)),
    "selu": lambda _: 3 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """How much larger weights must be because of what follows them: √2 for ReLU, which drops half.

    Args:
        nonlinearity: its name in `functional`, or of a layer type for none.
        param: the negative slope of "leaky_relu", 0.01 by default.

    >>> round(calculate_gain("leaky_relu", 0.2), 4)
    1.3868
    """
    if nonlinearity not in _GAINS:
        raise UnknownName.among(nonlinearity, _GAINS, kind="nonlinearity", argument="nonlinearity")
    return _GAINS[nonlinearity](0.01 if param is None else param)


def fans(tensor: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out): how many numbers flow into, and out of, one unit of a weight (O, I, *K).

    Raises:
        ShapeError: fewer than two dimensions.

    >>> import tinygrad_cnn as tc
    >>> fans(tc.zeros(6, 1, 5, 5))
    (25, 150)
    """
    if tensor.ndim < 2:
        raise ShapeError(
            "fan in and fan out need at least two dimensions",
            argument="tensor",
            expected="a weight (O, I, *K)",
            got=tensor.shape,
            hint="draw biases with uniform_ or zeros_",
        )
    receptive_field = count(tensor.shape[2:])
    return tensor.shape[1] * receptive_field, tensor.shape[0] * receptive_field


# --- plain fillings -------------------------------------------------------------------------------


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Numbers uniform in [a, b).

    >>> import tinygrad_cnn as tc
    >>> w = tc.nn.init.uniform_(tc.zeros(100), -1, 1)
    >>> bool((w >= -1).all()), bool((w < 1).all())
    (True, True)
    """
    return filled(tensor, lambda: _draw.uniform(*tensor.shape, dtype=tensor.dtype) * (b - a) + a)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Numbers from the normal distribution.

    >>> import tinygrad_cnn as tc
    >>> tc.manual_seed(0)
    >>> w = normal_(tc.zeros(10000), mean=5.0, std=0.1)
    >>> round(w.mean().item(), 1), round(w.std().item(), 1)
    (5.0, 0.1)
    """
    return filled(tensor, lambda: _draw.normal(*tensor.shape, dtype=tensor.dtype) * std + mean)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0
) -> Tensor:
    """Numbers from the normal distribution as it is between a and b: none lies outside.

    Args:
        tensor: to be filled.
        mean, std: of the whole bell. What is left of it has a smaller deviation: 0.88 for ±2 of 1.
        a, b: the bounds, numbers and not multiples of std.

    Raises:
        ArgumentError: nothing lies between a and b, or std is not positive.

    >>> import tinygrad_cnn as tc
    >>> w = trunc_normal_(tc.zeros(1000), std=0.5, a=-0.25, b=1.0)
    >>> bool((w >= -0.25).all()), bool((w <= 1.0).all())
    (True, True)
    """
    for name, value, expected, fits in (("b", b, f"above a = {a}", a < b), ("std", std, "> 0", std > 0)):
        if not fits:
            raise ArgumentError("there is nothing to draw from", argument=name, expected=expected, got=value)
    return filled(
        tensor,
        lambda: _draw.truncated_normal(*tensor.shape, dtype=tensor.dtype, mean=mean, std=std, a=a, b=b),
    )


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One number everywhere.

    >>> import tinygrad_cnn as tc
    >>> constant_(tc.zeros(3), 0.5)
    tensor([0.5, 0.5, 0.5])
    """
    return filled(tensor, lambda: full(tensor.shape, val, dtype=tensor.dtype, backend=tensor.backend))


def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere.

    >>> import tinygrad_cnn as tc
    >>> zeros_(tc.ones(3))
    tensor([0., 0., 0.])
    """
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere.

    >>> import tinygrad_cnn as tc
    >>> ones_(tc.zeros(3))
    tensor([1., 1., 1.])
    """
    return constant_(tensor, 1.0)


# --- by the size of the layer ---------------------------------------------------------------------


def xavier_uniform_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Uniform in ± gain · √(6 / (fan_in + fan_out)).

    Source: Glorot and Bengio, AISTATS 2010, equation 16.

    >>> import tinygrad_cnn as tc
    >>> w = xavier_uniform_(tc.zeros(2, 4))
    >>> w.abs().max().item() <= 1.0  # √(6 / (4 + 2)) = 1
    True
    """
    bound = math.sqrt(3) * _xavier_std(tensor, gain)
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Normal with standard deviation gain · √(2 / (fan_in + fan_out)).

    Source: Glorot and Bengio, AISTATS 2010, equation 12.

    >>> import tinygrad_cnn as tc
    >>> tc.manual_seed(0)
    >>> w = xavier_normal_(tc.zeros(100, 100))
    >>> round(w.std().item(), 2)  # √(2 / 200) = 0.1
    0.1
    """
    return normal_(tensor, 0.0, _xavier_std(tensor, gain))


def _xavier_std(tensor: Tensor, gain: float) -> float:
    return gain * math.sqrt(2 / max(sum(fans(tensor)), 1))


def kaiming_uniform_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Tensor:
    """Uniform in ± gain · √(3 / fan).

    Args:
        tensor: a weight (O, I, *K).
        a: the negative slope of the leaky ReLU that follows.
        mode: "fan_in" keeps the size of the numbers forward, "fan_out" that of the gradients backward.
        nonlinearity: what follows; see `calculate_gain`.

    Source: He et al., arXiv:1502.01852, equations 10 (fan_in), 14 (fan_out) and 15 (with a slope).

    >>> import tinygrad_cnn as tc
    >>> w = kaiming_uniform_(tc.zeros(10, 6))
    >>> w.abs().max().item() <= 1.0  # √2 · √(3 / 6) = 1
    True
    """
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Tensor:
    """Normal with standard deviation gain / √fan; arguments and source as for `kaiming_uniform_`.

    >>> import tinygrad_cnn as tc
    >>> tc.manual_seed(0)
    >>> w = kaiming_normal_(tc.zeros(100, 200))
    >>> round(w.std().item(), 2)  # √(2 / 200) = 0.1
    0.1
    """
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity))


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    modes = dict(zip(("fan_in", "fan_out"), fans(tensor), strict=True))
    if mode not in modes:
        raise UnknownName.among(mode, modes, kind="mode", argument="mode")
    return calculate_gain(nonlinearity, a) / math.sqrt(max(modes[mode], 1))
