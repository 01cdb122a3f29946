"""The steps of gradient descent, on a few thousand weights at a time.

Written with one array operation after the other, as the rule in `tinygrad_cnn/optim/sgd.py` is, a step walks
over weights, gradients and momentum again and again and makes a new array each time. Here the same
operations, in the same order and with the same rounding, are done on blocks that stay in the cache (see
`blocks.py`), and the results may be written where the weights and the state were: no new memory at all.

The learning rate and the momentum are read while working: schedules change them from step to step.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .blocks import Call, elementwise_blocks, replay
from .memory import Arena, Array, Work


def prepare_gradient_descent(
    B: object,
    arena: Arena,
    w: Array,
    g: Array,
    lr: Array,
    w_out: Array,
    *,
    weight_decay: float,
    maximize: bool,
) -> Work:
    """w_out = w − lr · g, which may be w."""
    rate = np.empty((), w.dtype)
    pieces = elementwise_blocks(w, g, w_out)
    scratch = Scratch(arena, pieces, w.dtype)
    calls: list[Call] = [partial(np.copyto, rate, lr, "same_kind")]
    for w_, g_, w_out_ in pieces:
        gradient, t = scratch.like(w_)
        g_, steps = loss_gradient(w_, g_, gradient, weight_decay, maximize)
        calls += [*steps, partial(np.multiply, rate, g_, t), partial(np.subtract, w_, t, w_out_)]
    return replay(calls)


def prepare_momentum_descent(
    B: object,
    arena: Arena,
    w: Array,
    g: Array,
    v: Array,
    momentum: Array,
    lr: Array,
    w_out: Array,
    v_out: Array,
    *,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> Work:
    """A step along the running sum v of the gradients, and the new v; w_out may be w, and v_out v."""
    rate, keep = np.empty((), w.dtype), np.empty((), w.dtype)
    take = np.asarray(1 - dampening, w.dtype) if dampening else None
    pieces = elementwise_blocks(w, g, v, w_out, v_out)
    scratch = Scratch(arena, pieces, w.dtype)
    calls: list[Call] = [
        partial(np.copyto, rate, lr, "same_kind"),
        partial(np.copyto, keep, momentum, "same_kind"),
    ]
    for w_, g_, v_, w_out_, v_out_ in pieces:
        gradient, t = scratch.like(w_)
        g_, steps = loss_gradient(w_, g_, gradient, weight_decay, maximize)
        calls += [*steps, *average(v_, keep, g_, take, v_out_, t)]
        direction = v_out_
        if nesterov:
            calls += [partial(np.multiply, keep, v_out_, t), partial(np.add, g_, t, t)]
            direction = t
        calls += [partial(np.multiply, rate, direction, t), partial(np.subtract, w_, t, w_out_)]
    return replay(calls)


# --- what the rules of all optimizers share ----------------------------------------------------------------


class Scratch:
    """Two pieces of memory as large as a block."""

    def __init__(self, arena: Arena, pieces: list[tuple[Array, ...]], dtype: np.dtype[Any]) -> None:
        most = max((piece[0].size for piece in pieces), default=0)
        self._memory = arena.take((2, most), dtype)

    def like(self, x: Array) -> tuple[Array, Array]:
        first, second = self._memory[:, : x.size].reshape(2, *x.shape)
        return first, second


def loss_gradient(
    w: Array, g: Array, memory: Array, weight_decay: float, maximize: bool
) -> tuple[Array, list[Call]]:
    """The gradient of what is made small (see `optim/rule.py`), and the calls that compute it."""
    calls: list[Call] = []
    if weight_decay:
        calls.append(partial(np.multiply, w.dtype.type(weight_decay), w, memory))
        combine: Callable[..., object] = np.subtract if maximize else np.add
        calls.append(partial(combine, memory, g, memory))
    elif maximize:
        calls.append(partial(np.negative, g, memory))
    return (memory if calls else g), calls


def average(v: Array, keep: Array, x: Array, take: Array | None, out: Array, s: Array) -> list[Call]:
    """out = keep · v + take · x; a `take` of None is 1."""
    calls: list[Call] = [partial(np.multiply, keep, v, out)]
    if take is None:
        return [*calls, partial(np.add, out, x, out)]
    return [*calls, partial(np.multiply, take, x, s), partial(np.add, out, s, out)]
