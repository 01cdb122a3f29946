"""The step of Adam, on a few thousand weights at a time, as explained in `descent.py`.

The rule as it is written in `tinygrad_cnn/optim/adam.py` takes fourteen walks over weights and averages.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .blocks import Call, elementwise_blocks, replay
from .descent import Scratch, average, loss_gradient
from .memory import Arena, Array, Work


def prepare_adam_step(
    B: object,
    arena: Arena,
    w: Array,
    g: Array,
    t: Array,
    m: Array,
    v: Array,
    betas: Array,
    lr: Array,
    w_out: Array,
    t_out: Array,
    m_out: Array,
    v_out: Array,
    *,
    eps: float,
    weight_decay: float,
    decoupled_weight_decay: bool,
    maximize: bool,
) -> Work:
    """One step of Adam: the new weights, count of steps and averages, each of which may replace the old."""
    coupled, decoupled = _decays(weight_decay, decoupled_weight_decay)
    numbers = _Corrections(w, t, lr, t_out, betas, decoupled)
    pieces = elementwise_blocks(w, g, m, v, w_out, m_out, v_out)
    scratch = Scratch(arena, pieces, w.dtype)
    calls: list[Call] = [numbers.update]
    for w_, g_, m_, v_, w_out_, m_out_, v_out_ in pieces:
        gradient, s = scratch.like(w_)
        g_, steps = loss_gradient(w_, g_, gradient, coupled, maximize)
        calls += [*steps, *numbers.average(g_, m_, v_, m_out_, v_out_, s)]
        calls += numbers.move(w_, m_out_, v_out_, w_out_, s, eps)
    return replay(calls)


def prepare_amsgrad_step(
    B: object,
    arena: Arena,
    w: Array,
    g: Array,
    t: Array,
    m: Array,
    v: Array,
    v_max: Array,
    betas: Array,
    lr: Array,
    w_out: Array,
    t_out: Array,
    m_out: Array,
    v_out: Array,
    v_max_out: Array,
    *,
    eps: float,
    weight_decay: float,
    decoupled_weight_decay: bool,
    maximize: bool,
) -> Work:
    """One step of Adam that divides by the largest average square so far; results may replace what was."""
    coupled, decoupled = _decays(weight_decay, decoupled_weight_decay)
    numbers = _Corrections(w, t, lr, t_out, betas, decoupled)
    pieces = elementwise_blocks(w, g, m, v, v_max, w_out, m_out, v_out, v_max_out)
    scratch = Scratch(arena, pieces, w.dtype)
    calls: list[Call] = [numbers.update]
    for w_, g_, m_, v_, v_max_, w_out_, m_out_, v_out_, v_max_out_ in pieces:
        gradient, s = scratch.like(w_)
        g_, steps = loss_gradient(w_, g_, gradient, coupled, maximize)
        calls += [*steps, *numbers.average(g_, m_, v_, m_out_, v_out_, s)]
        calls.append(partial(np.maximum, v_max_, v_out_, out=v_max_out_))
        calls += numbers.move(w_, m_out_, v_max_out_, w_out_, s, eps)
    return replay(calls)


def _decays(weight_decay: float, is_decoupled: bool) -> tuple[float, float]:
    """The decay that bends the gradient, and the one that shrinks the weights."""
    return (0.0, weight_decay) if is_decoupled else (weight_decay, 0.0)


class _Corrections:
    """The numbers of a step of Adam that depend on how many steps there were and on the learning rate.

    They are computed in float64, once a step, and meet the large arrays in the arrays' own dtype.
    """

    def __init__(self, w: Array, t: Array, lr: Array, t_out: Array, betas: Array, decoupled: float) -> None:
        self._t, self._lr, self._t_out = t, lr, t_out
        self._betas, self._decoupled = betas, decoupled
        self._length, self._root, self._shrink = np.empty((3, 1), w.dtype)
        self._keep, self._take = np.empty((2, 2, 1), w.dtype)

    def update(self) -> None:
        """Count the step, and compute them anew."""
        np.add(self._t, 1, self._t_out)
        beta1, beta2 = self._betas
        self._keep[:, 0], self._take[:, 0] = self._betas, 1 - self._betas
        steps = self._t_out[()]
        self._length[...] = self._lr / (1 - beta1**steps)
        self._root[...] = np.sqrt(1 - beta2**steps)
        self._shrink[...] = self._lr * self._decoupled

    def average(self, g: Array, m: Array, v: Array, m_out: Array, v_out: Array, s: Array) -> list[Call]:
        """The running averages of the gradient and of its square, one gradient later."""
        (keep1, keep2), (take1, take2) = self._keep, self._take
        return [
            *average(m, keep1, g, take1, m_out, s),
            partial(np.multiply, v, keep2, v_out),
            partial(np.multiply, g, g, s),
            partial(np.multiply, take2, s, s),
            partial(np.add, v_out, s, v_out),
        ]

    def move(self, w: Array, m: Array, v: Array, w_out: Array, s: Array, eps: float) -> list[Call]:
        """w_out = w − lr · m̂ / (√v̂ + ε), after the decoupled decay, if there is one."""
        calls: list[Call] = []
        if self._decoupled:
            calls += [partial(np.multiply, self._shrink, w, s), partial(np.subtract, w, s, w_out)]
            w = w_out
        return [
            *calls,
            partial(np.sqrt, v, s),
            partial(np.divide, s, self._root, s),
            partial(np.add, s, s.dtype.type(eps), s),
            partial(np.divide, m, s, s),
            partial(np.multiply, self._length, s, s),
            partial(np.subtract, w, s, w_out),
        ]
