"""Randomness that is a pure function of a seed and a counter.

Words come from Philox4x32-10 (Salmon et al., SC 2011): the same seed and counter give the same words on
every backend, in any order, so dropout masks agree bit for bit and a resumed run repeats an uninterrupted
one. The state is a tensor (seed, counter), changed only by `assign`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tinygrad_cnn._create import tensor
from tinygrad_cnn._op import function, op
from tinygrad_cnn._sample import Sample, integers
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend, get_backend
from tinygrad_cnn.dtypes import (
    DTypeLike,
    HasSpec,
    Shape,
    Spec,
    as_dtype,
    as_index,
    as_shape,
    bfloat16,
    bool_,
    count,
    float16,
    float32,
    int64,
    normalize_dims,
)
from tinygrad_cnn.errors import ArgumentError, DTypeError
from tinygrad_cnn.ops.creation import zeros

_DIGITS = {bfloat16: 8, float16: 11, float32: 24}  # binary ones, of a number from 1/2 to 1
WORDS_PER_BLOCK = 4  # one Philox block gives four 32-bit words
HOST = "numpy"  # weights and shuffles are drawn on the host, then moved: equal on every backend

# Where counting begins: what is drawn on the host, and masks, which are drawn where the model lies. They have
# halves of their own, so that a seed means the same weights and the same masks on every backend.
NUMBERS, MASKS = 0, 2**62

_states: dict[tuple[Backend, int], Tensor] = {}
_seed = 0


@function()
def manual_seed(seed: int) -> None:
    """Start all randomness of the library afresh from this seed.

    >>> import tinygrad_cnn as tc
    >>> tc.manual_seed(0); a = tc.rand(3)
    >>> tc.manual_seed(0); b = tc.rand(3)
    >>> bool((a == b).all())
    True
    """
    global _seed
    number = as_index(seed, argument="seed")
    if not 0 <= number < 2**63:
        raise ArgumentError("a seed is a 63-bit number", argument="seed", expected="0 .. 2⁶³−1", got=number)
    _seed = number
    _states.clear()


@contextmanager
def fork_random() -> Iterator[None]:
    """Whatever is drawn or seeded in this block leaves the randomness outside as it was.

    >>> import tinygrad_cnn as tc
    >>> tc.manual_seed(0); a = tc.rand(3)
    >>> tc.manual_seed(0)
    >>> with fork_random():
    ...     _ = tc.rand(100)
    >>> bool((a == tc.rand(3)).all())
    True
    """
    global _seed
    seed, kept = _seed, {key: (state, state.clone()) for key, state in _states.items()}
    try:
        yield
    finally:
        _seed = seed
        _states.clear()
        for key, (state, before) in kept.items():
            state.assign(before)
            _states[key] = state


def random_state(backend: Backend) -> Tensor:
    """The (seed, counter) tensor that masks are drawn from; `assign` to it to resume a run."""
    return _state(backend, MASKS)


def host_random_state() -> Tensor:
    """The same of numbers, such as initial weights, which are drawn on the host for every backend."""
    return _state(get_backend(HOST), NUMBERS)


def _state(backend: Backend, first: int) -> Tensor:
    if (backend, first) not in _states:
        _states[backend, first] = tensor([_seed, first], dtype=int64, backend=backend)
    return _states[backend, first]


def advance(state: Tensor, words: int) -> Tensor:
    """A copy of the state as it is, for one draw; the state itself moves past the words drawn."""
    now = state.clone()
    blocks = -(-words // WORDS_PER_BLOCK)
    state.assign(now + tensor([0, blocks], backend=state.backend))
    return now


def check_probability(p: float, argument: str = "p") -> None:
    """Refuse what is not a number 0 ... 1 (NaN is not either)."""
    if isinstance(p, bool) or not isinstance(p, (int, float)) or not 0 <= p <= 1:
        raise ArgumentError(
            f"{argument} is a probability", argument=argument, expected=f"0 <= {argument} <= 1", got=p
        )


def _mask_shape(state: HasSpec, *, shape: Shape, p: float) -> Spec:
    check_probability(p)
    return Spec(shape, bool_)


@op(
    symbol="mask",
    infer=_mask_shape,
    nondifferentiable=("state",),
    public=False,
    samples=[Sample(integers(2, high=1000), shape=(3, 5), p=0.25)],
)
def random_mask(B, state, *, shape, p):
    """True with probability p, by comparing 32-bit words with p · 2³² (integers: exact everywhere)."""
    words = B.random_bits(state[0], state[1], count(shape))
    if p == 1:
        return B.xp.ones(shape, dtype=B.xp.bool)
    return B.xp.reshape(words < B.xp.asarray(int(p * 2**32), dtype=words.dtype), shape)


@op(
    symbol="uniform",
    infer=lambda state, *, shape, dtype: Spec(shape, dtype),
    nondifferentiable=("state",),
    public=False,
    samples=[Sample(integers(2, high=1000), shape=(3, 5), dtype=float32)],
)
def random_uniform(B, state, *, shape, dtype):
    """Numbers uniform in [0, 1): as many bits of a word as the dtype can hold, or 53 of two for float64."""
    xp, n = B.xp, count(shape)
    kind = B.array_dtype(dtype)
    if dtype in _DIGITS:
        digits = _DIGITS[dtype]
        words = B.random_bits(state[0], state[1], n) >> (32 - digits)
        return xp.reshape(xp.astype(words, kind) * xp.asarray(2.0**-digits, dtype=kind), shape)
    words = xp.astype(B.random_bits(state[0], state[1], 2 * n), kind)
    high, low = xp.floor(words[0::2] / 32), xp.floor(words[1::2] / 64)
    return xp.reshape((high * 2.0**26 + low) * 2.0**-53, shape)


def _draw(shape: tuple[Any, ...], dtype: DTypeLike, words: int) -> tuple[Tensor, Shape, Any]:
    """The state for one draw, the shape and the dtype, checked."""
    sizes = as_shape(
        list(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else list(shape)
    )
    kind = as_dtype(dtype)
    if not kind.is_floating:
        raise DTypeError("random numbers are floating-point", argument="dtype", got=kind)
    per_number = words * (2 if kind.itemsize == 8 else 1)
    return advance(host_random_state(), count(sizes) * per_number), sizes, kind


def _placed(value: Tensor, requires_grad: bool, backend: str | Backend | None) -> Tensor:
    target = get_backend(backend)
    moved = value.detach() if target is value.backend else value.detach().to(target)
    return moved.requires_grad_() if requires_grad else moved


@function()
def rand(
    *shape: Any,
    dtype: DTypeLike = float32,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """Numbers uniform in [0, 1), of the given shape.

    >>> import tinygrad_cnn as tc
    >>> tc.rand(2, 3).shape
    (2, 3)
    """
    if not get_backend(backend).executes:
        return _nothing_drawn(shape, dtype, requires_grad, backend)
    state, sizes, kind = _draw(shape, dtype, 1)
    return _placed(random_uniform(state, shape=sizes, dtype=kind), requires_grad, backend)


@function()
def randn(
    *shape: Any,
    dtype: DTypeLike = float32,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """Numbers from the standard normal distribution, of the given shape.

    By Box and Muller's transform (1958): two uniform numbers make √(−2 ln u) · cos 2πv.

    >>> import tinygrad_cnn as tc
    >>> tc.randn(2, 3).shape
    (2, 3)
    """
    if not get_backend(backend).executes:
        return _nothing_drawn(shape, dtype, requires_grad, backend)
    state, sizes, kind = _draw(shape, dtype, 2)
    pairs = random_uniform(state, shape=(2, *sizes), dtype=float32 if kind.is_narrow else kind)
    radius = ((1 - pairs[0]).log() * -2).sqrt()  # 1 − u is never 0
    drawn = radius * (pairs[1] * (2 * math.pi)).cos()
    return _placed(drawn.to(kind), requires_grad, backend)


def _nothing_drawn(
    shape: tuple[Any, ...], dtype: DTypeLike, requires_grad: bool, backend: str | Backend | None
) -> Tensor:
    """On a backend without values there is nothing to draw."""
    return zeros(*shape, dtype=dtype, requires_grad=requires_grad, backend=backend)


def dropout_mask(shape: Shape, p: float, backend: Backend, dims: tuple[int, ...] | None = None) -> Tensor:
    """A keep-mask of bools: False with probability p. `dims` names the dimensions that drop together."""
    check_probability(p)
    together = normalize_dims(dims, len(shape)) if dims is not None else ()
    sizes = tuple(1 if axis in together else size for axis, size in enumerate(shape))
    state = advance(random_state(backend), count(sizes))
    return random_mask(state, shape=sizes, p=1 - p)
