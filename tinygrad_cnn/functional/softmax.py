"""Activations along a dimension, where a number's result depends on its neighbours.

    softmax(x)ᵢ = e^xᵢ / Σⱼ e^xⱼ       scores into probabilities: positive, and 1 in sum
    log_softmax                        its logarithm, without overflow
    softmin(x) = softmax(−x)           the smallest gets the most
    gumbel_softmax                     one of them, drawn with these probabilities
    glu(a, b) = a · σ(b)               one half of the channels opens or closes the other

PyTorch would guess a missing `dim`, with a warning; here it has to be said.
"""

from __future__ import annotations

from tinygrad_cnn import ops
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import DTypeLike, normalize_dim, require_floating
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.ops import one_hot, rand

__all__ = ["glu", "gumbel_softmax", "log_softmax", "softmax", "softmin"]


def softmax(input: Tensor, dim: int, dtype: DTypeLike | None = None) -> Tensor:
    """Scores into probabilities along `dim`: eˣ / Σ eˣ, shifted by the maximum so that nothing overflows.

    Args:
        input: any shape, floating (or anything, with a `dtype`).
        dim: along which the probabilities add up to 1.
        dtype: compute in this dtype.

    Raises:
        DTypeError: integers without a `dtype`.
        DimensionError: there is no such dimension.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.softmax(tc.tensor([1e4, 0.0, -1e4]), dim=0)
    tensor([1., 0., 0.])
    """
    return ops.softmax(_cast(input, dtype), dim)


def log_softmax(input: Tensor, dim: int, dtype: DTypeLike | None = None) -> Tensor:
    """ln softmax(x) along `dim`, computed as x − logsumexp(x); arguments as for `softmax`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.log_softmax(tc.tensor([1000.0, 0.0]), dim=0)
    tensor([    0., -1000.])
    """
    result: Tensor = ops.log_softmax(_cast(input, dtype), dim)
    return result


def softmin(input: Tensor, dim: int, dtype: DTypeLike | None = None) -> Tensor:
    """softmax(−x) along `dim`: the smallest gets the most; arguments as for `softmax`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.softmin(tc.tensor([1e4, 0.0, -1e4]), dim=0)
    tensor([0., 0., 1.])
    """
    return softmax(-input, dim, dtype)


def _cast(x: Tensor, dtype: DTypeLike | None) -> Tensor:
    return x if dtype is None else x.to(dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1.0, hard: bool = False, dim: int = -1) -> Tensor:
    """Draw one class with the probabilities softmax(logits), in such a way that gradients flow through.

    Each score gets a random number −ln(−ln u) added, u uniform in 0 ... 1 ("Gumbel noise"). Then the largest
    is class i with probability softmax(logits)ᵢ; a softmax instead of the choice of the largest gives it a
    gradient.

    Args:
        logits: the scores, any shape, floating.
        tau: the temperature. Near 0 the result is almost one-hot and its gradients are large.
        hard: True gives the one-hot choice itself, with the gradient of the soft one ("straight through").
        dim: along which the classes are.

    Raises:
        ArgumentError: tau is not positive.

    Source: Jang, Gu and Poole, "Categorical Reparameterization with Gumbel-Softmax", arXiv:1611.01144.

    >>> import tinygrad_cnn as tc
    >>> choice = tc.functional.gumbel_softmax(tc.tensor([[-1000.0, 0.0, -1000.0]]), hard=True)
    >>> choice
    tensor([[0., 1., 0.]])
    """
    require_floating(logits, "logits")
    if not tau > 0:
        raise ArgumentError("a temperature is positive", argument="tau", expected="> 0", got=tau).at(
            "gumbel_softmax"
        )
    uniform = rand(*logits.shape, dtype=logits.dtype, backend=logits.backend)
    noise = -(-uniform.clamp(min=2.0**-25).log()).log()  # `rand` may give 0, and ln 0 is infinite
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    choice = one_hot(soft.argmax(dim), soft.shape[dim]).movedim(-1, dim).to(soft.dtype)
    return (choice - soft).detach() + soft


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a · σ(b), where a and b are the two halves of x along `dim`: b opens or closes a.

    Args:
        input: an even number of elements along `dim`.
        dim: the dimension that is halved.

    Raises:
        ShapeError: an odd number of elements, or no dimension to halve.
        DimensionError: there is no such dimension.

    Source: Dauphin et al., "Language Modeling with Gated Convolutional Networks", arXiv:1612.08083.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.glu(tc.tensor([3.0, 5.0, 0.0, 100.0]))
    tensor([1.5, 5. ])
    """
    axis = normalize_dim(dim, input.ndim)
    if not input.ndim or input.shape[axis] % 2:
        raise ShapeError(
            "there are no two halves of equal size",
            argument="input",
            expected=f"an even size along dim={dim}",
            got=input.shape,
        ).at("glu")
    half = input.shape[axis] // 2
    value, gate = input.split([half, half], axis)
    return value * gate.sigmoid()
